"""Error sentences for a machine without enough memory, disk space or write permission."""

import errno
from pathlib import Path

from textgan.file.home import short

_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_FILES = {
    *_WRITING,
    *(errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE),
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
}
_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "Cannot allocate memory")
_SHARED = ("Bus error", "shared memory", "/torch_")


def shortage(error: BaseException) -> str | None:
    """Return the sentence for an error or its cause; None if neither is about a shortage."""
    while error is not None:
        if (sentence := _sentence(error)) is not None:
            return sentence
        error = error.__cause__
    return None


def _sentence(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in _FILES:
        named = next((e for e in _chain(error) if isinstance(e, OSError) and e.filename), None)
        cannot = " cannot be written" if error.errno in _WRITING else ""
        file = short(Path(named.filename)) if named else "a file"
        return f"{file}{cannot}: {error.strerror}"
    message = str(error)
    if isinstance(error, RuntimeError) and any(word in message for word in _SHARED):
        return "too little shared memory for the data loader's processes: set data.num_workers=0"
    if isinstance(error, RuntimeError) and "PytorchStreamWriter failed" in message:
        return "a file cannot be written: torch gives no reason; a full disk is a common one"
    no_room = isinstance(error, OSError) and error.errno == errno.ENOMEM
    no_room |= isinstance(error, RuntimeError) and any(word in message for word in _MEMORY)
    if isinstance(error, MemoryError) or no_room:
        return f"too little memory{' on the GPU' if 'CUDA' in message or 'MPS' in message else ''}"
    return None


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return the error and its chain of causes and contexts."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
