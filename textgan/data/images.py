"""Decoded images, in memory if they fit."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_only
from rich.progress import track
from torch import Tensor

from textgan.data.crop import Crop
from textgan.data.skipping import Skipping
from textgan.image.file import UnreadableImageError

_MANY = 2000  # from here on decoding them all takes seconds, so a bar is shown


class Images(Skipping):
    """Image files as pixels; the next good image replaces a broken one.

    Args:
        root: the folder of the files.
        files: their paths, relative to it.
        crop: decodes a file.
        cache_bytes: if all images fit in so many bytes, threads decode them now and they are kept;
            else each is decoded when it is needed.

    Raises:
        ValueError: all were decoded and none is good.
    """

    def __init__(self, root: Path, files: Sequence[str], *, crop: Crop, cache_bytes: int):
        super().__init__(len(files))
        self.root, self.files, self.crop = root, tuple(files), crop
        self._pixels: Tensor | None = None
        self._spans: dict[int, tuple[slice, tuple[int, ...]]] = {}
        if len(files) * crop.channels * crop.image_size**2 <= cache_bytes:
            self._fill(cache_bytes)

    @property
    def is_cached(self) -> bool:
        """Whether the decoded images are in memory."""
        return self._pixels is not None

    def __getitem__(self, place: int) -> tuple[int, Tensor]:
        """The image at a place, or the next good one: its place and (C, H, W) uint8 pixels.

        Raises:
            ValueError: no image is good.
        """
        return self._read_next(place)

    def _read(self, place: int) -> Tensor:
        if self._pixels is None:
            return torch.from_numpy(self.crop.read(self.root / self.files[place]))
        span, shape = self._spans[place]
        return self._pixels[span].view(shape)  # (C, H, W)

    def _name(self, place: int) -> str:
        return str(self.root / self.files[place])

    def _fill(self, cache_bytes: int) -> None:
        pieces, size = [], 0
        for place, pixels in enumerate(self._decoded()):
            if isinstance(pixels, str):
                self._set_aside(place, pixels)
                continue
            self._spans[place] = slice(size, size + pixels.size), pixels.shape
            pieces.append(pixels.reshape(-1))
            size += pixels.size
            if size > cache_bytes:  # images of unequal sizes, whose sum was not known before
                return
        if not pieces:
            raise ValueError(self._none_is_usable())
        self._pixels = torch.from_numpy(np.concatenate(pieces))

    def _decoded(self) -> Iterator[np.ndarray | str]:
        """The pixels of each file, or the reason why it has none, in order."""

        def decode(file: str) -> np.ndarray | str:
            try:
                return self.crop.read(self.root / file)
            except UnreadableImageError as error:
                return str(error)

        hidden = len(self.files) < _MANY or rank_zero_only.rank != 0
        description = f"decoding {len(self.files):,} images"
        with (
            ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
            closing(pool.map(decode, self.files)) as decoded,  # if left early, it cancels the rest
        ):
            yield from track(decoded, description, len(self.files), transient=True, disable=hidden)
