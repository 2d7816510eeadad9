"""Decoded images, in memory if they fit, with the broken ones set aside."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn
from rich.progress import track
from torch import Tensor

from textgan.data.crop import Crop
from textgan.image.file import UnreadableImageError

_MAX_WARNINGS = 20
_MANY = 2000  # from here on decoding them all takes seconds, so a bar is shown


class Images:
    """Image files as pixels; for a broken one stands the next good one, the first after the last.

    Which one stands for it depends on the files alone, so a run and its resumption see the same.
    Each broken file is warned of; `broken` lists them, also those that only a worker has met.

    Args:
        root: the folder of the files.
        files: their paths, relative to it.
        crop: decodes a file.
        cache_bytes: all are decoded now, by threads, and kept if they fit in as many bytes; else
            each is decoded when asked for.

    Raises:
        ValueError: all were decoded and none is good.
    """

    def __init__(self, root: Path, files: Sequence[str], *, crop: Crop, cache_bytes: int):
        self.root, self.files, self.crop = root, tuple(files), crop
        self._is_broken = torch.zeros(len(files), dtype=torch.bool).share_memory_()
        self._reasons: dict[int, str] = {}
        self._pixels: Tensor | None = None
        self._spans: dict[int, tuple[slice, tuple[int, ...]]] = {}
        if len(files) * crop.channels * crop.image_size**2 <= cache_bytes:
            self._fill(cache_bytes)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def is_cached(self) -> bool:
        """Whether the decoded images are in memory."""
        return self._pixels is not None

    def __getitem__(self, place: int) -> tuple[int, Tensor]:
        """The image at a place, or the next good one: its place and (C, H, W) uint8 pixels.

        Raises:
            ValueError: no image is good.
        """
        for step in range(len(self.files)):
            found = (place + step) % len(self.files)
            if self._is_broken[found]:
                continue
            if self._pixels is not None:
                span, shape = self._spans[found]
                return found, self._pixels[span].view(shape)  # (C, H, W)
            try:
                return found, torch.from_numpy(self.crop.read(self.root / self.files[found]))
            except UnreadableImageError as error:
                self._set_aside(found, str(error))
        raise ValueError(self._none_is_good())

    def broken(self) -> list[tuple[str, str]]:
        """(file, reason) of each image that was found broken so far."""
        places = self._is_broken.nonzero().flatten().tolist()
        return [(self.files[place], self._reason(place)) for place in places]

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
            raise ValueError(self._none_is_good())
        self._pixels = torch.from_numpy(np.concatenate(pieces))

    def _decoded(self) -> Iterator[np.ndarray | str]:
        """The pixels of each file, or why it has none, in order."""

        def decode(file: str) -> np.ndarray | str:
            try:
                return self.crop.read(self.root / file)
            except UnreadableImageError as error:
                return str(error)

        hidden = len(self.files) < _MANY or rank_zero_only.rank != 0
        description = f"decoding {len(self.files):,} images"
        with (
            ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
            closing(pool.map(decode, self.files)) as decoded,  # left early, it cancels the rest
        ):
            yield from track(decoded, description, len(self.files), transient=True, disable=hidden)

    def _set_aside(self, place: int, reason: str) -> None:
        self._reasons[place] = reason
        self._is_broken[place] = True
        count = int(self._is_broken.sum())
        if count <= _MAX_WARNINGS:
            rank_zero_warn(f"{self.root / self.files[place]} is skipped: {reason}")
        elif count == _MAX_WARNINGS + 1:
            rank_zero_warn("more images are skipped; the summary at the end counts them")

    def _reason(self, place: int) -> str:
        if place not in self._reasons:  # another process found it, and told only that it is broken
            try:
                self.crop.read(self.root / self.files[place])
                self._reasons[place] = "it could not be read when it was its turn"
            except UnreadableImageError as error:
                self._reasons[place] = str(error)
        return self._reasons[place]

    def _none_is_good(self) -> str:
        first = self.root / self.files[0]
        return f"none of the {len(self)} images can be opened: {first}: {self._reason(0)}"
