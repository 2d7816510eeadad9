"""The contract of denoisers: what a diffusion model learns."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import TextFeatures


class Denoiser(Part):
    """Noisy images or latents, their time and text -> a prediction of the same shape.

    What is predicted is up to the `Diffusion` that it is trained with.

    Attributes:
        sample_shape: shape (C, H, W) of one sample.
        text_width: width of the text features.
        extra_channels: further channels that it sees, after those of a sample.
    """

    sample_shape: tuple[int, int, int]
    text_width: int
    extra_channels: int = 0

    @property
    def channels(self) -> int:
        """Channels of a sample."""
        return self.sample_shape[0]

    @property
    def image_size(self) -> int:
        """Height and width of a sample."""
        return self.sample_shape[-1]

    @abstractmethod
    def forward(self, noisy: Tensor, time: Tensor, text: TextFeatures) -> Tensor:
        """Predict.

        Args:
            noisy: (B, C + extra_channels, H, W).
            time: (B,) in [0, 1]; 0 is without noise, 1 noise alone.
            text: of B captions.

        Returns:
            (B, *sample_shape).
        """
