"""Captioned images of any source that is read by row: one of them, and a data set of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor
from torch.utils.data import Dataset

from textgan.data.crop import Crop
from textgan.image import from_uint8
from textgan.image.file import UnreadableImageError
from textgan.types import Batch

_DRAW = 1  # sets the key of an image's draws apart from the (seed, epoch) of the stream's order
_MAX_WARNINGS = 20


class UnusableSampleError(ValueError):
    """A row that gives no captioned image; its text is the reason."""


@dataclass(frozen=True)
class Sample:
    """An image, as the content or the path of its file, and its captions, at least one."""

    image: bytes | Path
    captions: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """How samples are shown.

    Attributes:
        crop: makes squares of images.
        flip: whether half of the images are mirrored where something is drawn at random.
    """

    crop: Crop
    flip: bool

    def decode(self, sample: Sample) -> Tensor:
        """The pixels that `shown` takes its square from, (C, H, W) uint8.

        Raises:
            UnusableSampleError: the image cannot be read.
        """
        is_path = isinstance(sample.image, Path)
        try:
            return torch.from_numpy(
                self.crop.read(sample.image if is_path else BytesIO(sample.image))
            )
        except UnreadableImageError as error:
            raise UnusableSampleError(str(error)) from error

    def shown(
        self, pixels: Tensor, captions: Sequence[str], generator: np.random.Generator | None
    ) -> tuple[Tensor, str]:
        """The square that is shown and its caption: drawn, or without generator the first."""
        if generator is None:
            return self.crop.window(pixels, None), captions[0]
        caption = captions[generator.integers(len(captions))]
        pixels = self.crop.window(pixels, generator)
        return pixels.flip(-1) if self.flip and generator.random() < 0.5 else pixels, caption


class SampleSplit(Dataset):
    """Rows of a source as batches; for a row that cannot be used stands the next that can.

    Which one stands for it depends on the source alone, so a run and its resumption see the same.
    Each unusable row is warned of; `broken` lists them, also those that only a worker has met.

    Args:
        rows: numbers that `read` takes; a batch's `index` is the place in them.
        read: row -> its sample; raises `UnusableSampleError`.
        name: row -> what it is called in a sentence.
        view: how samples are shown.
        seed: keys what is drawn, with the position; None draws nothing: the middle is cropped, the
            first caption taken, nothing mirrored.
    """

    def __init__(
        self,
        rows: Sequence[int] | np.ndarray,
        *,
        read: Callable[[int], Sample],
        name: Callable[[int], str],
        view: View,
        seed: int | None,
    ):
        self.rows, self.read, self.name, self.view, self.seed = rows, read, name, view, seed
        self._is_broken = torch.zeros(len(rows), dtype=torch.bool).share_memory_()
        self._reasons: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def still(self) -> "SampleSplit":
        """The same rows with nothing drawn at random; what is known of broken ones is shared."""
        copy = SampleSplit(self.rows, read=self.read, name=self.name, view=self.view, seed=None)
        copy._is_broken, copy._reasons = self._is_broken, self._reasons
        return copy

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch:
        """The batch of (position, index) pairs; `index` in it is the row that is shown."""
        shown = [self._show(position, place) for position, place in keys]
        pixels, captions, everything, places = zip(*shown, strict=True)
        return Batch(
            images=from_uint8(torch.stack(pixels)),  # (B, C, H, W)
            captions=list(captions),
            index=torch.tensor(places),
            all_captions=[list(texts) for texts in everything],
        )

    def broken(self) -> list[tuple[str, str]]:
        """(name, reason) of each row that was found unusable so far."""
        places = self._is_broken.nonzero().flatten().tolist()
        return [(self.name(int(self.rows[place])), self._reason(place)) for place in places]

    def _show(self, position: int, place: int) -> tuple[Tensor, str, tuple[str, ...], int]:
        for step in range(len(self.rows)):
            found = (place + step) % len(self.rows)
            if self._is_broken[found]:
                continue
            try:
                sample = self.read(int(self.rows[found]))
                pixels = self.view.decode(sample)
            except UnusableSampleError as error:
                self._set_aside(found, str(error))
                continue
            keyed = self.seed is not None
            generator = np.random.default_rng((self.seed, position, _DRAW)) if keyed else None
            return *self.view.shown(pixels, sample.captions, generator), sample.captions, found
        first = self.name(int(self.rows[0]))
        raise ValueError(
            f"none of the {len(self.rows):,} images can be used: {first}: {self._reason(0)}"
        )

    def _set_aside(self, place: int, reason: str) -> None:
        self._reasons[place] = reason
        self._is_broken[place] = True
        count = int(self._is_broken.sum())
        if count <= _MAX_WARNINGS:
            rank_zero_warn(f"{self.name(int(self.rows[place]))} is skipped: {reason}")
        elif count == _MAX_WARNINGS + 1:
            rank_zero_warn("more images are skipped; the summary at the end counts them")

    def _reason(self, place: int) -> str:
        if place not in self._reasons:  # another process found it, and told only that it is broken
            try:
                self.view.decode(self.read(int(self.rows[place])))
                self._reasons[place] = "it could not be read when it was its turn"
            except UnusableSampleError as error:
                self._reasons[place] = str(error)
        return self._reasons[place]


def summarise(total: int, skipped: Sequence[tuple[str, str]]) -> str:
    """One sentence that says how many samples were left out, and why the first three were.

    Args:
        total: how many there are.
        skipped: name and reason of each that was left out.
    """
    if not skipped:
        return f"None of {total:,} samples was skipped."
    named = "; ".join(f"{name} ({reason})" for name, reason in skipped[:3])
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    return f"Of {total:,} samples {len(skipped):,} were skipped or not looked at: {named}{more}."
