"""Captioned images of any source that is read by row: a sample, and a data set of samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from textgan.data.crop import Crop
from textgan.data.skipping import Skipping
from textgan.image import from_uint8
from textgan.types import Batch

# This last number separates the keys of an image's choices from the (seed, epoch) of the order.
_CHOICES = 1

Shown = tuple[Tensor, str, Sequence[str], int]
"""A row of a batch: pixels (C, H, W) uint8 or features, caption, all captions, index."""


def keyed(seed: int | None, *key: int) -> np.random.Generator | None:
    """The generator of an image's random choices; None, which makes none, without a seed."""
    return None if seed is None else np.random.default_rng((seed, *key, _CHOICES))


def batch_of(shown: Sequence[Shown], negatives: list[str] | None = None) -> Batch:
    """The batch of these rows; images of pixels are (B, C, H, W) float32 in [-1, 1]."""
    images, captions, everything, index = zip(*shown, strict=True)
    images = torch.stack(images)
    return Batch(
        images=from_uint8(images) if images.dtype == torch.uint8 else images,
        captions=list(captions),
        index=torch.tensor(index),
        negatives=negatives,
        all_captions=[list(texts) for texts in everything],
    )


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
        flip: whether half of the images are mirrored where there are random choices.
    """

    crop: Crop
    flip: bool

    def decode(self, sample: Sample) -> Tensor:
        """The pixels that `show` takes its square from, (C, H, W) uint8.

        Raises:
            UnreadableImageError: the image cannot be decoded.
        """
        is_path = isinstance(sample.image, Path)
        return torch.from_numpy(self.crop.read(sample.image if is_path else BytesIO(sample.image)))

    def show(
        self, pixels: Tensor, captions: Sequence[str], generator: np.random.Generator | None
    ) -> tuple[Tensor, str]:
        """A square of the pixels and a caption.

        `generator` chooses them. Without it they are the middle and the first caption.
        """
        if generator is None:
            return self.crop.window(pixels, None), captions[0]
        caption = captions[generator.integers(len(captions))]
        pixels = self.crop.window(pixels, generator)
        return pixels.flip(-1) if self._mirrors(generator) else pixels, caption

    def show_features(
        self, features: Tensor, captions: Sequence[str], generator: np.random.Generator | None
    ) -> tuple[Tensor, str]:
        """As `show`, of features (1 or 2, ...) of the middle square and of its mirror image."""
        if generator is None:
            return features[0], captions[0]
        caption = captions[generator.integers(len(captions))]
        return features[int(self._mirrors(generator))], caption

    def _mirrors(self, generator: np.random.Generator) -> bool:
        return self.flip and generator.random() < 0.5


class SampleSplit(Skipping, Dataset):
    """Rows of a source as batches; the next usable row replaces an unusable one.

    Args:
        rows: numbers that `read` takes; a batch's `index` is the place in them.
        read: row -> its sample; raises `UnusableSampleError`.
        name: row -> its name in a message.
        view: how samples are shown.
        seed: keys the random choices, with the position. None means no random choice: the middle is
            cropped, the first caption taken, nothing mirrored.
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
        super().__init__(len(rows))
        self.rows, self.read, self.name, self.view, self.seed = rows, read, name, view, seed

    def __len__(self) -> int:
        return len(self.rows)

    def still(self) -> "SampleSplit":
        """The same rows without random choices; both share what is known of unusable rows."""
        copy = SampleSplit(self.rows, read=self.read, name=self.name, view=self.view, seed=None)
        copy._is_broken, copy._reasons = self._is_broken, self._reasons
        return copy

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch:
        """The batch of (position, index) pairs; its `index` has the rows that are shown."""
        return batch_of([self._show(*key) for key in keys])

    def _show(self, position: int, place: int) -> Shown:
        found, (sample, pixels) = self._read_next(place)
        generator = keyed(self.seed, position)
        return *self.view.show(pixels, sample.captions, generator), sample.captions, found

    def _read(self, place: int) -> tuple[Sample, Tensor]:
        sample = self.read(int(self.rows[place]))
        return sample, self.view.decode(sample)

    def _name(self, place: int) -> str:
        return self.name(int(self.rows[place]))


def summarise(total: int, skipped: Sequence[tuple[str, str]]) -> str:
    """One sentence with the number of samples that were left out, and the first three reasons.

    Args:
        total: number of samples.
        skipped: name and reason of each that was left out.
    """
    if not skipped:
        return f"None of {total:,} samples was skipped."
    named = "; ".join(f"{name} ({reason})" for name, reason in skipped[:3])
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    return f"Of {total:,} samples {len(skipped):,} were skipped or not looked at: {named}{more}."
