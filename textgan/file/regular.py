"""Files in an untrusted folder: only regular files, and links only if they are allowed."""

import errno
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
LINK = "it is a link, and follow_links is false"


@dataclass
class Found:
    """The files that `find_files` returns.

    Attributes:
        files: regular files with the given suffixes, sorted.
        left_out: path -> reason of each file and folder that was skipped, sorted.
        others: the number of files with another suffix.
    """

    files: list[Path] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)
    others: int = 0


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading.

    A pipe, a socket or a device is refused before it is opened: opening a pipe waits for a writer,
    and a device may never end.

    Raises:
        OSError: the file does not exist, cannot be read, or is not a regular file.
    """
    _check_regular(os.stat(path).st_mode)  # noqa: PTH116 - the path may be a str
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _check_regular(os.fstat(file.fileno()).st_mode)  # it may have been replaced meanwhile
    except OSError:
        file.close()
        raise
    return file


def check_no_link(root: Path, relative: str) -> None:
    """Raise OSError if a file below a folder is a link, or lies in a folder that is a link.

    The folder itself may be a link, since the user named it. The relative path has no "..".
    """
    path = str(root)
    for part in relative.replace(os.sep, "/").split("/"):
        path = f"{path}{os.sep}{part}"
        if os.path.islink(path):  # noqa: PTH114 - of 100,000 files pathlib takes 10 s more
            is_file = Path(path) == root / relative
            reason = LINK if is_file else f"{path} is a link, and follow_links is false"
            raise OSError(errno.ELOOP, reason)


def is_shown(folder: str) -> bool:
    """False for the name of a hidden folder, and for a name that begins with two underscores."""
    return not folder.startswith((".", "__"))


def find_files(
    root: Path,
    suffixes: Sequence[str] | None,
    *,
    follow_links: bool = False,
    is_own: Callable[[str], bool] = is_shown,
) -> Found:
    """Find every regular file below a folder whose name ends with one of the suffixes, in any case.

    Hidden files, and folders for which `is_own` is false, are skipped without being reported. A
    folder that several links lead to is entered once.

    Args:
        root: the folder.
        suffixes: in lower case, such as ".png"; None takes every file.
        follow_links: whether links to files and folders are followed, wherever they lead.
        is_own: whether a sub-folder with this name is searched.
    """
    found = Found()
    waiting, entered = [root], set()
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in entered:
            continue
        entered.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            found.left_out[folder] = error.strerror or str(error)
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and (follow_links or not entry.is_symlink()):
                waiting += [Path(entry.path)] if is_own(entry.name) else []
            else:
                _sort_in(found, entry, suffixes, follow_links)
    return Found(sorted(found.files), dict(sorted(found.left_out.items())), found.others)


def _sort_in(
    found: Found, entry: os.DirEntry, suffixes: Sequence[str] | None, follow_links: bool
) -> None:
    path = Path(entry.path)
    is_other = suffixes is not None and path.suffix.lower() not in suffixes
    if is_other and not entry.is_dir():
        found.others += 1
    elif entry.is_symlink() and not follow_links:
        found.left_out[path] = LINK
    elif entry.is_file():
        found.files.append(path)
    else:
        found.left_out[path] = _irregular_reason(path)


def _irregular_reason(path: Path) -> str:
    try:
        _check_regular(path.stat().st_mode)
    except OSError as error:
        return error.strerror or str(error)
    return "it changed during the search"


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "something else")
        raise OSError(errno.EINVAL, f"it must be a regular file, and is {kind}")
