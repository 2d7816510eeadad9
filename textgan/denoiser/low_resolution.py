"""A smaller version of the image as a condition of a denoiser."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer.waves import waves
from textgan.pretrained.part import Part
from textgan.types import TextFeatures

_WAVES = 64


class LowResolutionCondition(Part):
    """Shows the denoiser a smaller version of the image, to which noise is added.

    The method is that of cascaded diffusion models (Ho et al. 2022): the smaller image is enlarged,
    mixed with noise, and added to the channels of the noisy image. Because of this noise, the
    denoiser does not rely on details of training images that generated ones do not have.

    Args:
        image_size: side of the large image, in pixels.
        factor: the side of the large image over that of the small one, from 2 on.
        text_width: width of the text features, which tell the denoiser how much noise was added.

    Raises:
        ValueError: the factor is below 2, or does not divide the size.
    """

    def __init__(self, *, image_size: int, factor: int, text_width: int):
        super().__init__()
        if factor < 2 or image_size % factor:
            rule = f"factor must be at least 2 and divide the image size {image_size}"
            raise ValueError(f"{rule}, got {factor}")
        self.image_size, self.factor, self.text_width = image_size, factor, text_width
        self.level = nn.Linear(_WAVES, text_width)

    @property
    def small_size(self) -> int:
        """Side of the small image, in pixels."""
        return self.image_size // self.factor

    def reduced(self, images: Tensor) -> Tensor:
        """Large images (B, C, H, W) -> small ones (B, C, h, h), by antialiased interpolation."""
        size = (self.small_size, self.small_size)
        return F.interpolate(images, size, mode="bilinear", antialias=True)

    def enlarged(self, small: Tensor) -> Tensor:
        """Small images (B, C, h, h) -> (B, C, H, W), by bilinear interpolation."""
        size = (self.image_size, self.image_size)
        return F.interpolate(small, size, mode="bilinear")

    def forward(
        self, values: Tensor, text: TextFeatures, small: Tensor, noise: Tensor, level: Tensor
    ) -> tuple[Tensor, TextFeatures]:
        """What the denoiser sees of noisy images and text: (B, 2 C, H, W), and the text.

        Args:
            values: (B, C, H, W), noisy large images.
            text: of B captions.
            small: (B, C, h, h).
            noise: standard normal, of the shape of `values`.
            level: (B,) in [0, 1], the share of the noise that is added to the enlarged images.
        """
        share = level[:, None, None, None]
        seen = ((1 - share) * self.enlarged(small.float()) + share * noise).to(values)
        pooled = text.pooled + self.level(waves(level, _WAVES).to(text.pooled))
        return torch.cat([values, seen], 1), TextFeatures(text.words, text.mask, pooled)
