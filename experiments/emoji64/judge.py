"""Which real picture is nearest to a draw."""

import torch
from rich.progress import track
from torch import Tensor

from textgan.extractor import Inception


class Judge:
    """Finds the real picture nearest to a draw.

    Args:
        pictures: the real ones, (N, 3, H, W) uint8.
        weights: the file of Inception's, or None for the distance in pixels.
    """

    def __init__(self, pictures: Tensor, weights: str | None):
        self.encoder = Inception(768, weights=weights) if weights else None
        self.name = "inception_768" if weights else "pixels"
        self.bank = self.features(pictures, "real pictures")

    def features(self, pictures: Tensor, what: str) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, 768), or (B, 3 * H * W) where pixels are compared."""
        if self.encoder is None:
            return pictures.flatten(1).float()
        batches = track(pictures.split(16), f"features of {len(pictures):,} {what}")
        return torch.cat([self.encoder(batch) for batch in batches])

    def nearest(self, features: Tensor) -> list[int]:
        """The place in the bank of what is nearest to each."""
        distances = torch.cdist(
            features, self.bank, compute_mode="donot_use_mm_for_euclid_dist"
        )  # (B, N)
        return distances.argmin(1).tolist()
