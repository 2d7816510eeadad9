"""Captioned images of a folder, as batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor
from torch.utils.data import Dataset

from textgan.data.captions import Row
from textgan.data.images import Images
from textgan.data.negatives import Negatives
from textgan.data.sample import Shown, View, batch_of, keyed
from textgan.types import Batch


@dataclass(eq=False)
class FolderSplit(Dataset):
    """One split of a folder.

    Attributes:
        rows: file and captions of each image.
        images: their pixels, in the same order.
        view: how they are shown.
        seed: keys the random choices, with the position. None means no random choice: the middle is
            cropped, the first caption taken, nothing mirrored.
        negatives: makes wrong captions, keyed by the position, or without a seed by the row; None
            makes none.
        negatives_each: number of negatives for each image.
        features: (images, 1 or 2, ...), of each image and of its mirror image; where they are
            there, batches hold them in the place of pixels.
    """

    rows: Sequence[Row]
    images: Images
    view: View
    seed: int | None
    negatives: Negatives | None
    negatives_each: int = 1
    features: Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def still(self) -> "FolderSplit":
        """The pixels of the same images, without random choices."""
        return replace(self, seed=None, features=None)

    @property
    def squares(self) -> list[Tensor] | None:
        """The pixels (C, H, W) uint8 of each image, if they are in memory and never change."""
        if not self.images.is_cached or self.view.crop.policy == "random":
            return None
        return [self.view.crop.window(self.images[n][1], None) for n in range(len(self))]

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch:
        """The batch of (position, index) pairs; its `index` has the rows that are shown."""
        shown = [self._show(*key) for key in keys]
        if self.negatives is None:
            return batch_of(shown)
        negatives = [
            self.negatives(caption, own, *self._key(position, row), which)
            for which in range(self.negatives_each)
            for (position, _), (_, caption, own, row) in zip(keys, shown, strict=True)
        ]
        return batch_of(shown, negatives)

    def _show(self, position: int, index: int) -> Shown:
        place, pixels = self.images[index]
        captions, generator = self.rows[place].captions, keyed(self.seed, position)
        if self.features is not None:
            shown = self.view.show_features(self.features[place], captions, generator)
        else:
            shown = self.view.show(pixels, captions, generator)
        return *shown, captions, place

    def _key(self, position: int, row: int) -> tuple[int, int]:
        """The key of negatives; in evaluations it does not depend on the seed of the training."""
        return (0, row) if self.seed is None else (self.seed, position)
