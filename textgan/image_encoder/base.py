"""The contract of an image encoder."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.pretrained.frozen import weights_hash
from textgan.pretrained.part import Part
from textgan.types import ImageFeatures


class ImageEncoder(Part):
    """Images -> ImageFeatures of width `width`.

    Attributes:
        image_size: side of its square input; other sizes are resized (bilinear, antialiased).
        channels: 1, 3 or 4.
        width: width of regions and pooled features.
        map_shapes: (channels, height, width) of each of `ImageFeatures.maps`.
        ancestors: hashes of the networks that it was trained from: the weights that it was loaded
            with, and those that a saved pipeline lists. An encoder saved alone lists none.
        aligned: features that share a space with captions, as a saved pipeline states: "pooled",
            "words" (of the regions) or both; None if it is unknown.
    """

    image_size: int
    channels: int
    width: int
    map_shapes: list[tuple[int, int, int]]
    ancestors: Sequence[str] = ()
    aligned: Sequence[str] | None = None

    @abstractmethod
    def encode(self, images: Tensor) -> ImageFeatures:
        """Images (B, channels, image_size, image_size) in [-1, 1] -> their features."""

    def remember_source(self, config: dict[str, Any], file: Path) -> None:
        """Take over `ancestors` and `aligned` of a saved pipeline; add its own hash as loaded."""
        self.ancestors = sorted({weights_hash(self), *_words(config, "ancestors", file)})
        known = config.get("aligned") is not None
        self.aligned = tuple(_words(config, "aligned", file)) if known else None

    def lineage(self) -> frozenset[str]:
        """Hashes of its weights and of its ancestors': see `textgan.judge.Judge`."""
        return frozenset({weights_hash(self), *self.ancestors})

    def forward(self, images: Tensor) -> ImageFeatures:
        """Images (B, channels, H, W) in [-1, 1] -> their features.

        Raises:
            ValueError: the number of channels is not `channels`.
        """
        if images.shape[1] != self.channels:
            raise ValueError(f"images must have {self.channels} channels, got {images.shape[1]}")
        return self.encode(self.resized(images))

    def resized(self, images: Tensor) -> Tensor:
        """Images (B, channels, H, W) in the encoder's size."""
        size = (self.image_size, self.image_size)
        if tuple(images.shape[-2:]) == size:
            return images
        wide = images.to(torch.promote_types(images.dtype, torch.float32))  # CPUs need it
        return F.interpolate(wide, size, mode="bilinear", antialias=True).to(images.dtype)


def _words(config: dict[str, Any], name: str, file: Path) -> list[str]:
    """A list of strings from a config; empty if it is absent."""
    found = config.get(name, [])
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ValueError(f"{file} must have a list of words as {name}, got {found!r:.80}")
    return found
