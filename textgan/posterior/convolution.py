"""A convolutional posterior."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer import DownBlock, widths_by_resolution
from textgan.posterior.base import PosteriorEncoder
from textgan.types import Posterior, TextFeatures


class ConvolutionPosterior(PosteriorEncoder):
    """q(z | image, text): residual downsampling to 8x8, then linear in it and the pooled text.

    With a layer more on top the code that it hands the generator is harder to learn from.

    Args:
        image_size: 16, 32, 64, 128 or 256.
        text_width: width of the text features.
        channels: 1, 3 or 4.
        noise_width: length of z: the generator's noise_width.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
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
    ):
        super().__init__()
        self.noise_shape = (noise_width,)
        widths = widths_by_resolution(image_size, width=width, max_width=max_width)
        resolutions = sorted((size for size in widths if size >= 8), reverse=True)
        self.from_image = nn.Conv2d(channels, widths[image_size], 3, padding=1)
        self.blocks = nn.Sequential(
            *(DownBlock(widths[a], widths[b]) for a, b in pairwise(resolutions))
        )
        self.gaussian = nn.Linear(widths[8] * 64 + text_width, 2 * noise_width)
        nn.init.kaiming_normal_(self.gaussian.weight, a=1.0)
        nn.init.zeros_(self.gaussian.bias)
        nn.init.constant_(
            self.gaussian.bias[noise_width:], -3.0
        )  # a z that says much at first is found useful sooner

    def forward(self, images: Tensor, text: TextFeatures) -> Posterior:
        """Images (B, C, H, W) in [-1, 1] and text -> Posterior over (B, noise_width).

        log_variance is kept within [-10, 4].
        """
        x = self.from_image(images)
        x = F.leaky_relu(self.blocks(x), 0.2).flatten(1)  # (B, 64 C_8)
        mean, log_variance = self.gaussian(torch.cat([x, text.pooled], 1)).chunk(2, 1)
        return Posterior(mean, log_variance.clamp(-10, 4))
