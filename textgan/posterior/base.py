"""What every posterior is: the encoder half of a conditional VAE."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import Gaussian, TextFeatures


class PosteriorEncoder(Part):
    """q(z | image, text): which noise would have drawn this picture for this text.

    Attributes:
        noise_shape: shape of z for one picture; it must be the generator's.
    """

    noise_shape: tuple[int, ...]

    @abstractmethod
    def forward(self, images: Tensor, text: TextFeatures) -> Gaussian:
        """Images (B, C, H, W) in [-1, 1] and text -> a diagonal Gaussian over (B, *noise_shape)."""
