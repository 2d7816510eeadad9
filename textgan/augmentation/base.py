"""The contract of every augmentation."""

from abc import abstractmethod

from torch import Tensor, nn


class Augmentation(nn.Module):
    """Transforms batches of images; row i of every batch gets the same random transformation."""

    @abstractmethod
    def forward(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Batches (B, C, H, W) in [-1, 1] -> batches of the same shape; gradients pass through."""
