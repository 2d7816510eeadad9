"""Pixels as features, for metrics without a network."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from textgan.extractor.base import FeatureExtractor, check_pixels


class Pixels(FeatureExtractor):
    """The image itself at a small size, without a network or weights.

    Channels are averaged over the cells of a grid of side x side (torch's adaptive average pool:
    cells overlap where the grid's side does not divide the image's, and repeat the pixels of a
    smaller image), scaled to [0, 1] and divided by sqrt(3 * side * side). So the Euclidean distance
    between the features of two images is the root mean square difference of their pixels, in
    [0, 1]. It finds copies of an image, but not similar content.

    Args:
        side: side of the grid; `num_features` is 3 * side * side.

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
        """There are no weights to read."""

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
        """Tap -> (B, 3 * side * side) of RGB images (B, 3, H, W) uint8, for any side as a tap.

        Raises:
            ValueError: a tap is no side, or the images are not like that.
        """
        check_pixels(images)
        return {tap: _small(images, _side(tap)) for tap in taps}


def _side(tap: str) -> int:
    if not tap.isdecimal() or int(tap) < 1:
        raise ValueError(f"taps of Pixels are sides, such as '32', got {tap!r}")
    return int(tap)


def _small(images: Tensor, side: int) -> Tensor:
    """(B, 3, H, W) uint8 -> (B, 3 * side * side)."""
    small = nn.functional.adaptive_avg_pool2d(images.float(), side)  # (B, 3, side, side)
    return small.flatten(1) / (255 * (3 * side * side) ** 0.5)
