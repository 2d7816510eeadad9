"""Read the middle squares of all images below a folder, in batches and by several threads."""

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from textgan.image.file import UnreadableImageError
from textgan.image.folder import find_images, read_square
from textgan.pipeline.base import tracked

_MANY = 500  # images; a bar is shown for more


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

    The arguments and errors are those of `ContrastivePipeline.search`; `side` is in pixels, and
    `channels` is 1 (gray), 3 (RGB) or 4 (RGBA). At the end one warning counts the skipped files. A
    terminal shows a bar for more than 500 images.
    """
    found = find_images(folder, follow_links=follow_links)

    def read(path: Path) -> Tensor | str:
        """Read the pixels of a file, or return the reason why it cannot be read."""
        try:
            return read_square(path, side, channels, max_megapixels=max_megapixels)
        except UnreadableImageError as error:
            return str(error)

    files, left_out = found.files, {**found.left_out}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        starts = range(0, len(files), batch_size)
        for start in tracked(starts, len(files), shown=len(files) > _MANY, verb="reading"):
            batch = files[start : start + batch_size]
            squares = dict(zip(batch, pool.map(read, batch), strict=True))
            left_out |= {path: why for path, why in squares.items() if isinstance(why, str)}
            good = [path for path in batch if path not in left_out]
            if good:
                yield good, torch.stack([squares[path] for path in good])
    _report(left_out, len(files) + len(found.left_out), folder)


def _report(left_out: dict[Path, str], total: int, folder: str | Path) -> None:
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
        stacklevel=5,
    )
