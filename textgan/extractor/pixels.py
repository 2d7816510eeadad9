"""Pixels as features, where no network is at hand."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from textgan.extractor.base import FeatureExtractor


class Pixels(FeatureExtractor):
    """The picture itself, made small: no network, no weights.

    Channels are averaged over the cells of a grid of side x side (torch's adaptive average pool,
    whose cells overlap where the side does not divide the picture's, and repeat pixels of a
    smaller picture), scaled to [0, 1] and divided by sqrt(3 * side * side). So the Euclidean
    distance of two pictures' features is the root mean square difference of their pixels, in
    [0, 1]. It sees a picture again that was copied, and no likeness of content.

    Args:
        side: of the grid; `num_features` is 3 * side * side.

    Raises:
        ValueError: `side` is below 1.
    """

    def __init__(self, side: int = 32):
        super().__init__()
        if side < 1:
            raise ValueError(f"side must be at least 1, got {side}")
        self.side = side
        self.num_features = 3 * side * side
        self.tap = str(side)
        self.depth = 0
        self.eval()

    def load(self) -> None:
        """Nothing to read."""

    def network(self) -> str:
        return "pixels"

    def protocol(self) -> dict[str, Any]:
        return {
            "network": "pixels",
            "feature": self.tap,
            "resize": f"averaged over a grid of {self.side} x {self.side}",
            "input": "RGB in 0..255, x / 255 / sqrt(3 * side * side)",
        }

    @torch.no_grad()
    def outputs(self, images: Tensor, taps: Iterable[str]) -> dict[str, Tensor]:
        """Tap -> (B, 3 * side * side) of RGB pictures (B, 3, H, W) uint8, for any side as a tap.

        Raises:
            ValueError: a tap is no side, or the pictures are others.
        """
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            shape = tuple(images.shape)
            raise ValueError(f"images must be (B, 3, H, W) uint8, got {shape} {images.dtype}")
        return {tap: _small(images, _side(tap)) for tap in taps}


def _side(tap: str) -> int:
    if not tap.isdecimal() or int(tap) < 1:
        raise ValueError(f"taps of Pixels are sides, such as '32', got {tap!r}")
    return int(tap)


def _small(images: Tensor, side: int) -> Tensor:
    """(B, 3, H, W) uint8 -> (B, 3 * side * side)."""
    small = nn.functional.adaptive_avg_pool2d(images.float(), side)  # (B, 3, side, side)
    return small.flatten(1) / (255 * (3 * side * side) ** 0.5)
