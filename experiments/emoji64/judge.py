"""Find the real image that is nearest to a sample."""

import torch
from rich.progress import track
from torch import Tensor

from textgan.extractor import Inception


class Judge:
    """Find the real image that is nearest to a sample.

    Args:
        images: the real images, (N, 3, H, W) uint8.
        weights: the file of Inception's weights, or None for the distance in pixels.
    """

    def __init__(self, images: Tensor, weights: str | None):
        self.encoder = Inception(768, weights=weights) if weights else None
        self.name = "inception_768" if weights else "pixels"
        self.bank = self.features(images, "real images")

    def features(self, images: Tensor, what: str) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, 768), or (B, 3 * H * W) if pixels are compared."""
        if self.encoder is None:
            return images.flatten(1).float()
        batches = track(images.split(16), f"features of {len(images):,} {what}")
        return torch.cat([self.encoder(batch) for batch in batches])

    def nearest(self, features: Tensor) -> list[int]:
        """Return the index in the bank of the nearest image to each."""
        exact = "donot_use_mm_for_euclid_dist"
        distances = torch.cdist(features, self.bank, compute_mode=exact)  # (B, N)
        return distances.argmin(1).tolist()
