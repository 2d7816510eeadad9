"""Read the middle squares of image files, in batches and by several threads."""

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from textgan.image.file import UnreadableImageError
from textgan.image.folder import read_square
from textgan.pipeline.base import tracked

_MANY = 500  # images; a bar is shown for more


def squares_of(
    files: Sequence[Path],
    side: int,
    channels: int,
    *,
    batch_size: int,
    max_megapixels: float,
    left_out: dict[Path, str],
) -> Iterator[tuple[list[Path], Tensor]]:
    """Yield batches of B files and their pixels (B, channels, side, side) in [-1, 1].

    A terminal shows a bar for more than 500 images.

    Args:
        files: image files.
        side: of the squares, in pixels.
        channels: 1 (gray), 3 (RGB) or 4 (RGBA).
        batch_size: images read at a time.
        max_megapixels: an image of more million pixels is not decoded.
        left_out: takes each file that cannot be read, with the reason.
    """

    def read(path: Path) -> Tensor | str:
        """Read the pixels of a file, or return the reason why it cannot be read."""
        try:
            return read_square(path, side, channels, max_megapixels=max_megapixels)
        except UnreadableImageError as error:
            return str(error)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        starts = range(0, len(files), batch_size)
        for start in tracked(starts, len(files), shown=len(files) > _MANY, verb="reading"):
            batch = files[start : start + batch_size]
            squares = dict(zip(batch, pool.map(read, batch), strict=True))
            left_out.update({path: why for path, why in squares.items() if isinstance(why, str)})
            good = [path for path in batch if path not in left_out]
            if good:
                yield good, torch.stack([squares[path] for path in good])


def report_left_out(left_out: dict[Path, str], total: int, folder: str | Path) -> None:
    """Give one warning that counts the skipped files.

    Raises:
        ValueError: all of the `total` files were skipped.
    """
    if not left_out:
        return
    path, reason = next(iter(left_out.items()))
    if len(left_out) == total:
        rule = "folder must hold an image that can be read"
        raise ValueError(f"{rule}, but none of the {total:,} in {folder} can: {path}: {reason}")
    verb = "was" if len(left_out) == 1 else "were"
    others = "" if len(left_out) == 1 else " and others"
    warnings.warn(
        f"{len(left_out):,} of {total:,} images {verb} skipped: {path} ({reason}){others}",
        stacklevel=4,
    )
