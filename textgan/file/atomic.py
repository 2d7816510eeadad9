"""Atomic writing: a file is written beside the old one, then moved over it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a path to write to, and move it over `path` if the writing succeeds.

    Otherwise the old file stays as it is, and no part of the new one is left. If `path` is a link,
    the file behind it is replaced. A path that is no regular file, such as /dev/stdout, is written
    to directly.

    Args:
        path: a file in a folder that exists.
        durable: whether the new file is flushed to the disk before it replaces the old one.

    Raises:
        OSError: the file cannot be written; the error names it.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve() if path.is_symlink() else path
    beside = target.with_name(f".{target.name}.part")
    try:
        yield beside
        if durable:
            replace_durably(beside, target)
        else:
            beside.replace(target)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            beside.unlink()


def replace_durably(beside: Path, path: Path) -> None:
    """Move a finished file over another one of the same folder, and flush both to the disk.

    At every moment, also after a power failure, one of the two files is complete.
    """
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files that a killed process left in a run folder.

    Only checkpoints and image grids of the run folder itself are removed. Other files may belong to
    another program, or to a run that is writing now.
    """
    for path in (*folder.glob(".*.ckpt.part"), *folder.glob("samples/.*.png.part")):
        with suppress(OSError):
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
