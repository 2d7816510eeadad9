"""The middle squares of the pictures below a folder, read in batches by several threads."""

import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from textgan.image.file import UnreadableImageError
from textgan.image.folder import find_images, read_square

_MANY = 500  # pictures; to read more takes long enough for a bar


def squares_below(
    folder: str | Path,
    side: int,
    channels: int,
    *,
    batch_size: int,
    max_megapixels: float,
    follow_links: bool,
) -> Iterator[tuple[list[Path], Tensor]]:
    """Yield batches of B files and their pixels (B, channels, side, side) in [-1, 1].

    At the end one warning counts what was left out: pictures that cannot be read, links, and files
    that are not regular ones. A terminal shows a bar where there are many pictures.

    Args:
        folder: looked through with all its sub-folders; hidden files and folders are left out.
        side: of the squares, in pixels.
        channels: 1 gray, 3 RGB, 4 RGBA.
        batch_size: how many files are read at a time.
        max_megapixels: a picture of more million pixels is left out before it is decoded.
        follow_links: whether links below the folder are followed; otherwise they are left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no picture that can be read.
    """
    found = find_images(folder, follow_links=follow_links)

    def read(path: Path) -> Tensor | str:
        """The pixels of a file, or the reason why it has none."""
        try:
            return read_square(path, side, channels, max_megapixels=max_megapixels)
        except UnreadableImageError as error:
            return str(error)

    files, left_out = found.files, {**found.left_out}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in _tracked(range(0, len(files), batch_size), len(files)):
            batch = files[start : start + batch_size]
            squares = dict(zip(batch, pool.map(read, batch), strict=True))
            left_out |= {path: said for path, said in squares.items() if isinstance(said, str)}
            good = [path for path in batch if path not in left_out]
            if good:
                yield good, torch.stack([squares[path] for path in good])
    _report(left_out, len(files) + len(found.left_out), folder)


def _tracked(starts: range, total: int) -> Iterable[int]:
    """The same, with a bar on a terminal's error output where there are many pictures."""
    console = Console(stderr=True)
    hidden = total <= _MANY or not console.is_terminal
    description = f"looking at {total:,} pictures"
    return track(starts, description, transient=True, disable=hidden, console=console)


def _report(left_out: dict[Path, str], total: int, folder: str | Path) -> None:
    if not left_out:
        return
    path, reason = next(iter(left_out.items()))
    if len(left_out) == total:
        rule = "folder must hold a picture that can be read"
        raise ValueError(f"{rule}, and none of the {total:,} in {folder} can: {path}: {reason}")
    verb = "was" if len(left_out) == 1 else "were"
    others = "" if len(left_out) == 1 else " and others"
    warnings.warn(
        f"{len(left_out):,} of {total:,} pictures {verb} skipped: {path} ({reason}){others}",
        stacklevel=5,
    )
