"""What the machine is short of, as a sentence: memory, room on the disk, the right to write."""

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
    """The sentence; None where neither the error nor what it was raised from is about that."""
    while error is not None:
        if (said := _said_of(error)) is not None:
            return said
        error = error.__cause__
    return None


def _said_of(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in _FILES:
        named = next((e for e in _chain(error) if isinstance(e, OSError) and e.filename), None)
        cannot = " cannot be written" if error.errno in _WRITING else ""
        file = short(Path(named.filename)) if named else "a file"
        return f"{file}{cannot}: {error.strerror}"
    said = str(error)
    if isinstance(error, RuntimeError) and any(word in said for word in _SHARED):
        return "too little shared memory for the loader's processes: give data.num_workers=0"
    if isinstance(error, RuntimeError) and "PytorchStreamWriter failed" in said:
        return "a file cannot be written: torch does not say why, and a full disk is a usual reason"
    no_room = isinstance(error, OSError) and error.errno == errno.ENOMEM
    no_room |= isinstance(error, RuntimeError) and any(word in said for word in _MEMORY)
    if isinstance(error, MemoryError) or no_room:
        return f"too little memory{' on the GPU' if 'CUDA' in said or 'MPS' in said else ''}"
    return None


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error, and what it was raised from or amid."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
