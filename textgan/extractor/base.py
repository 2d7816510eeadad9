"""The contract of a frozen network whose features metrics compare."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class FeatureExtractor(nn.Module, ABC):
    """Images (B, 3, H, W) uint8 of any size -> features (B, num_features); frozen, in eval mode.

    Several extractors may read one network at different layers (`tap`); one of them then gives all
    outputs in a single pass.

    Attributes:
        num_features: width of the features.
        tap: the name of the output that `forward` returns.
        standard_suffix: suffix of "fid" and "kid" for distances in these features: "" for the
            features that they are defined on; None for another network, which has other names.
        depth: position of `tap` in the network; a deeper extractor can also output shallower taps.
    """

    num_features: int
    tap: str
    depth: int
    standard_suffix: str | None = None

    @abstractmethod
    def load(self) -> None:
        """Read the weights, unless they are read; a `MissingWeightsError` where none are named.

        Construction reads nothing, so that a missing file affects only the metric that needs it.
        """

    @abstractmethod
    def network(self) -> str:
        """The network and a hash of its weights; extractors of equal name have equal features."""

    @abstractmethod
    def outputs(self, images: Tensor, taps: Iterable[str]) -> dict[str, Tensor]:
        """Tap -> (B, D) float32, of one pass over (B, 3, H, W) uint8."""

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """Everything that decides the features, as JSON values: network, weights, tap, resize."""

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, num_features)."""
        return self.outputs(images, [self.tap])[self.tap]

    def train(self, mode: bool = True) -> "FeatureExtractor":
        """Stay in eval mode."""
        return super().train(False)


def check_pixels(images: Tensor) -> None:
    """Raise ValueError unless the images are (B, 3, H, W) uint8."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        shape = tuple(images.shape)
        raise ValueError(f"images must be (B, 3, H, W) uint8, got {shape} {images.dtype}")
