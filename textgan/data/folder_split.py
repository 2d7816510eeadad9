"""Captioned images of a folder, as batches."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from textgan.data.captions import Row
from textgan.data.images import Images
from textgan.data.negatives import Negatives
from textgan.image import from_uint8
from textgan.types import Batch

_DRAW = 1  # sets the key of an image's draws apart from the (seed, epoch) of the stream's order


class FolderSplit(Dataset):
    """Images with their captions, as the loaders ask for them.

    Args:
        rows: file and captions of each image.
        images: their pixels, in the same order.
        flip: mirror at random.
        seed: keys what is drawn, with the position; None draws nothing: the middle is cropped, the
            first caption taken, nothing mirrored.
        negatives: makes wrong captions, keyed by the position, or where nothing is drawn by the
            row; None makes none.
        negatives_each: how many for each image.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        images: Images,
        *,
        flip: bool,
        seed: int | None,
        negatives: Negatives | None,
        negatives_each: int = 1,
    ):
        self.rows, self.images, self.flip, self.seed = rows, images, flip, seed
        self.negatives, self.negatives_each = negatives, negatives_each

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch:
        """The batch of (position, index) pairs; `index` in it is the row that is shown."""
        shown, captions, pixels = zip(*(self._draw(*key) for key in keys), strict=True)
        everything = [list(self.rows[place].captions) for place in shown]
        negatives = None
        if self.negatives is not None:
            # what is measured is the same whatever the seed of the training
            seed = 0 if self.seed is None else self.seed
            places = shown if self.seed is None else [position for position, _ in keys]
            negatives = [
                self.negatives(caption, own, seed, place, which)
                for which in range(self.negatives_each)
                for caption, own, place in zip(captions, everything, places, strict=True)
            ]
        return Batch(
            images=from_uint8(torch.stack(pixels)),  # (B, C, H, W)
            captions=list(captions),
            index=torch.tensor(shown),
            negatives=negatives,
            all_captions=everything,
        )

    def _draw(self, position: int, index: int) -> tuple[int, str, torch.Tensor]:
        place, pixels = self.images[index]
        captions = self.rows[place].captions
        if self.seed is None:
            return place, captions[0], self.images.crop.window(pixels, None)
        generator = np.random.default_rng((self.seed, position, _DRAW))
        caption = captions[generator.integers(len(captions))]
        pixels = self.images.crop.window(pixels, generator)
        mirrored = self.flip and generator.random() < 0.5
        return place, caption, pixels.flip(-1) if mirrored else pixels
