"""The contract of every posterior: the encoder half of a conditional VAE."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import Gaussian, TextFeatures


class PosteriorEncoder(Part):
    """q(z | image, text): the distribution of the noise that generates this image for this text.

    Attributes:
        noise_shape: shape of z for one image; it must be the generator's.
    """

    noise_shape: tuple[int, ...]

    @abstractmethod
    def forward(self, images: Tensor, text: TextFeatures) -> Gaussian:
        """Images or latents (B, C, H, W) and text -> a diagonal Gaussian over (B, *noise_shape).

        Images are in [-1, 1].
        """
