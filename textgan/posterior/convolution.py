"""A convolutional posterior."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer import (
    AttentionPool,
    DownBlock,
    channels_and_size,
    clamp_passing_gradient,
    widths_by_resolution,
)
from textgan.posterior.base import PosteriorEncoder
from textgan.types import Gaussian, TextFeatures


class ConvolutionPosterior(PosteriorEncoder):
    """q(z | image, text): downsampling to 8x8, a caption-dependent 1x1 convolution, a linear layer.

    The caption, pooled by attention, gives the filters of the 1x1 convolution that turns the
    channels at 8x8 into a few maps (Dynamic Filter Networks, Jia et al. 2016): "a red circle" can
    select where red is. The linear layer after it is the same for all captions. With a hidden layer
    in its place, the generator learned less from z.

    Each image's channels are first normalised to mean 0 and variance 1 (instance normalisation,
    Ulyanov et al. 2016). That leaves global properties of the image, such as its background, to the
    text: if z encoded them, the generator would not learn to read them from the text.

    Args:
        sample_shape: (channels, size, size) of an image or latent; the size is a multiple of 8 from
            8 to 256. Where halving does not reach 8, the maps have the last resolution above it.
        text_width: width of the text features.
        noise_width: length of z: the generator's noise_width.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
        num_maps: number of maps after the caption-dependent convolution.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        noise_width: int = 16,
        width: int = 12,
        max_width: int = 96,
        num_maps: int = 8,
    ):
        super().__init__()
        self.noise_shape = (noise_width,)
        channels, size = channels_and_size(sample_shape)
        widths = widths_by_resolution(size, width=width, max_width=max_width)
        resolutions = sorted((r for r in widths if r >= 8), reverse=True)
        last = resolutions[-1]
        self.from_image = nn.Conv2d(channels, widths[size], 3, padding=1)
        self.blocks = nn.Sequential(
            *(DownBlock(widths[a], widths[b]) for a, b in pairwise(resolutions))
        )
        self.filters = nn.Parameter(torch.randn(num_maps, widths[last]))
        self.asked = AttentionPool(text_width, num_maps * widths[last], num_queries=1)
        self.from_maps = nn.Linear(num_maps * last**2, 2 * noise_width)
        self.from_text = nn.Linear(text_width, 2 * noise_width)
        nn.init.kaiming_normal_(self.from_maps.weight, a=1.0)
        nn.init.zeros_(self.from_maps.bias)
        nn.init.normal_(self.from_text.weight, std=0.1 * text_width**-0.5)
        nn.init.zeros_(self.from_text.bias)
        # With a small variance at first, the generator learns sooner to use z.
        nn.init.constant_(self.from_maps.bias[noise_width:], -3.0)

    def forward(self, images: Tensor, text: TextFeatures) -> Gaussian:
        """Images or latents (B, C, H, W) and text -> Gaussian over (B, noise_width).

        log_variance is kept within [-10, 4].
        """
        # eps keeps a flat image flat, without amplified noise.
        images = F.instance_norm(images, eps=1e-2)
        x = F.leaky_relu(self.blocks(self.from_image(images)), 0.2)  # (B, C_8, 8, 8)
        change = self.asked(text.words, text.mask).unflatten(1, self.filters.shape)  # (B, M, C_8)
        maps = (self.filters + 0.5 * change) * x.shape[1] ** -0.5 @ x.flatten(2)  # (B, M, 64)
        from_image, from_text = self.from_maps(maps.flatten(1)), self.from_text(text.pooled)
        mean, log_variance = (from_image + from_text).chunk(2, 1)
        # With a plain clamp, the KL term could not pull values back from beyond the ends.
        return Gaussian(mean, 7 * clamp_passing_gradient((log_variance + 3) / 7) - 3)
