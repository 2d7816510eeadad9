"""A convolutional posterior."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer import AttentionPool, DownBlock, bound, widths_by_resolution
from textgan.posterior.base import PosteriorEncoder
from textgan.types import Gaussian, TextFeatures


class ConvolutionPosterior(PosteriorEncoder):
    """q(z | image, text): residual downsampling to 8x8, maps the caption asks for, then linear.

    The caption, read by attention, makes the 1x1 convolution that turns the channels at 8x8 into a
    few maps (Dynamic Filter Networks, Jia et al. 2016): "a red circle" asks where red is. All
    captions share what is read off these maps, which is linear: the code that a hidden layer hands
    the generator was harder to learn from.

    Each picture's channels are first brought to mean 0 and variance 1 (instance normalisation,
    Ulyanov et al. 2016). What the whole picture looks like, such as its background, is left to the
    text: a z that says it before the text does keeps the text from learning it.

    Args:
        image_size: 16, 32, 64, 128 or 256.
        text_width: width of the text features.
        channels: 1, 3 or 4.
        noise_width: length of z: the generator's noise_width.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
        num_maps: maps that the caption asks for.
    """

    def __init__(
        self,
        *,
        image_size: int,
        text_width: int,
        channels: int = 3,
        noise_width: int = 16,
        width: int = 12,
        max_width: int = 96,
        num_maps: int = 8,
    ):
        super().__init__()
        self.noise_shape = (noise_width,)
        widths = widths_by_resolution(image_size, width=width, max_width=max_width)
        resolutions = sorted((size for size in widths if size >= 8), reverse=True)
        self.from_image = nn.Conv2d(channels, widths[image_size], 3, padding=1)
        self.blocks = nn.Sequential(
            *(DownBlock(widths[a], widths[b]) for a, b in pairwise(resolutions))
        )
        self.filters = nn.Parameter(torch.randn(num_maps, widths[8]))
        self.asked = AttentionPool(text_width, num_maps * widths[8], num_questions=1)
        self.from_maps = nn.Linear(num_maps * 64, 2 * noise_width)
        self.from_text = nn.Linear(text_width, 2 * noise_width)
        nn.init.kaiming_normal_(self.from_maps.weight, a=1.0)
        nn.init.zeros_(self.from_maps.bias)
        nn.init.normal_(self.from_text.weight, std=0.1 * text_width**-0.5)
        nn.init.zeros_(self.from_text.bias)
        # A z that says much at first is found useful sooner.
        nn.init.constant_(self.from_maps.bias[noise_width:], -3.0)

    def forward(self, images: Tensor, text: TextFeatures) -> Gaussian:
        """Images (B, C, H, W) in [-1, 1] and text -> Gaussian over (B, noise_width).

        log_variance is kept within [-10, 4].
        """
        images = F.instance_norm(images, eps=1e-2)  # a flat picture stays flat, without noise
        x = F.leaky_relu(self.blocks(self.from_image(images)), 0.2)  # (B, C_8, 8, 8)
        asked = self.asked(text.words, text.mask).unflatten(1, self.filters.shape)  # (B, M, C_8)
        maps = (self.filters + 0.5 * asked) * x.shape[1] ** -0.5 @ x.flatten(2)  # (B, M, 64)
        from_image, from_text = self.from_maps(maps.flatten(1)), self.from_text(text.pooled)
        mean, log_variance = (from_image + from_text).chunk(2, 1)
        # Not a clamp: beyond its ends the KL term could not pull back.
        return Gaussian(mean, 7 * bound((log_variance + 3) / 7) - 3)
