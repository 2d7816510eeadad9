"""What every augmentation is."""

from abc import abstractmethod

from torch import Tensor, nn


class Augmentation(nn.Module):
    """Batches of images -> the same batches transformed, row i of each under the same draw."""

    @abstractmethod
    def forward(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Batches (B, C, H, W) in [-1, 1] -> batches of the same shape; gradients pass through."""
