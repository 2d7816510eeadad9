"""What every image encoder is."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from textgan.frozen import weights_hash
from textgan.hub import find_folder
from textgan.pretrained import Part
from textgan.pretrained_files import read_config
from textgan.types import ImageFeatures


class ImageEncoder(Part):
    """Pictures -> ImageFeatures of width `width`.

    Attributes:
        image_size: side of the square that it looks at; others are resized (bilinear, antialiased).
        channels: 1, 3 or 4.
        width: of regions and pooled features.
        map_shapes: (channels, height, width) of each of `ImageFeatures.maps`.
        ancestors: hashes of the nets that it was trained from: of what it was loaded as, and of
            those that a saved pipeline names.
    """

    image_size: int
    channels: int
    width: int
    map_shapes: list[tuple[int, int, int]]
    ancestors: Sequence[str] = ()

    @abstractmethod
    def encode(self, images: Tensor) -> ImageFeatures:
        """Images (B, channels, image_size, image_size) in [-1, 1] -> their features."""

    @classmethod
    def from_pretrained(
        cls, path: str | Path, part: str | None = None, *, revision: str | None = None
    ) -> Self:
        """As the base says; it remembers where it came from."""
        folder = find_folder(path, revision=revision)
        encoder = super().from_pretrained(folder, part)
        named = read_config(folder).get("ancestors", [])
        encoder.ancestors = sorted({weights_hash(encoder), *named})
        return encoder

    def lineage(self) -> frozenset[str]:
        """Hashes of its weights and of its ancestors': see `textgan.image_encoder.Judge`."""
        return frozenset({weights_hash(self), *self.ancestors})

    def forward(self, images: Tensor) -> ImageFeatures:
        """Images (B, channels, H, W) in [-1, 1] -> their features.

        Raises:
            ValueError: they have another number of channels.
        """
        if images.shape[1] != self.channels:
            raise ValueError(f"images must have {self.channels} channels, got {images.shape[1]}")
        size = (self.image_size, self.image_size)
        if tuple(images.shape[-2:]) != size:
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        return self.encode(images)
