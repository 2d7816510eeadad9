"""Files that are whole at every moment: written beside the old one, then moved over it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a path to write to; where that went well, it takes the place of `path`.

    Otherwise the old file stays as it is, and nothing of the new one is left. A link leads to the
    file that is replaced; what is no regular file, such as /dev/stdout, is written to as it is.

    Args:
        path: of a file in a folder that exists.
        durable: whether the new file is on the disk before it takes the old one's place.

    Raises:
        OSError: it cannot be written, with the name of the file.
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
    """Move a finished file over another of the same folder: at any moment one of them is there."""
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left in a run folder.

    Only checkpoints and grids are looked for, and only in the run folder itself: what lies beside
    or below it may belong to another program, or to a run that is writing now.
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
