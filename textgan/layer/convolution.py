"""Residual convolution blocks: upsampling for generators, downsampling for discriminators."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Modulation(nn.Module):
    """Normalise each sample's channels in groups, then scale and shift them by a style vector.

    The adaptive normalisation of Huang & Belongie 2017, as class-conditional GANs use it (BigGAN,
    Brock et al. 2019).
    """

    def __init__(self, width: int, *, style_width: int):
        super().__init__()
        self.norm = nn.GroupNorm(max(1, width // 16), width, affine=False)
        self.scale_shift = nn.Linear(style_width, 2 * width)
        nn.init.normal_(self.scale_shift.weight, std=0.5 * style_width**-0.5)
        nn.init.zeros_(self.scale_shift.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """X (B, C, H, W), style (B, S) -> (B, C, H, W)."""
        scale, shift = self.scale_shift(style)[..., None, None].chunk(2, 1)  # (B, C, 1, 1)
        return torch.addcmul(shift, self.norm(x), 1 + scale)


class ModulatedBlock(nn.Module):
    """Residual block of a generator: two modulated convolutions, upsampling between them.

    A block that upsamples adds learned waves before the second modulation. The style vector scales
    them, so it can address positions (periodic features encode positions: Tancik et al. 2020).
    Upsampling is bilinear: pixel shuffle and nearest neighbour left a dot grid in small nets.

    Args:
        in_width: channels of the input.
        out_width: channels of the output.
        style_width: length of the style vector.
        resolution: height and width of the output.
        upsample: whether the output is twice as high and wide as the input.
    """

    def __init__(
        self, in_width: int, out_width: int, *, style_width: int, resolution: int, upsample: bool
    ):
        super().__init__()
        self.first = Modulation(in_width, style_width=style_width)
        self.first_conv = nn.Conv2d(in_width, out_width, 3, padding=1)
        self.place = nn.Parameter(_waves(out_width, resolution)) if upsample else None
        self.second = Modulation(out_width, style_width=style_width)
        self.second_conv = nn.Conv2d(out_width, out_width, 3, padding=1)
        self.skip = nn.Conv2d(in_width, out_width, 1) if in_width != out_width else nn.Identity()
        nn.init.zeros_(self.second_conv.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """X (B, in_width, H, W), style (B, S) -> (B, out_width, H', W'), H' = 2 H if upsampled."""
        skip = self.skip(x)
        # The convolution comes before upsampling: a quarter of the work.
        h = self.first_conv(F.silu(self.first(x, style)))
        if self.place is not None:
            skip = F.interpolate(skip, scale_factor=2.0, mode="bilinear", align_corners=False)
            h = F.interpolate(h, scale_factor=2.0, mode="bilinear", align_corners=False)
            h = h + self.place.to(h.dtype)
        h = self.second_conv(F.silu(self.second(h, style)))
        return skip + h


def _waves(width: int, resolution: int) -> Tensor:
    """(width, H, H): plane waves of unit variance, of about a period or less over the sample."""
    along = (torch.arange(resolution) + 0.5) / resolution
    down, right = torch.meshgrid(along, along, indexing="ij")  # (H, H)
    frequency, phase = 1.5 * math.pi * torch.randn(2, width), 2 * math.pi * torch.rand(width)
    angle = frequency[0, :, None, None] * down + frequency[1, :, None, None] * right
    return math.sqrt(2) * torch.sin(angle + phase[:, None, None])


class DownBlock(nn.Module):
    """Residual block that halves the resolution, without normalisation (R3GAN, Huang et al. 2024).

    Leaky ReLU and average pooling; the sum of the branches is divided by sqrt(2) to keep the
    variance.
    """

    def __init__(self, in_width: int, out_width: int):
        super().__init__()
        self.first_conv = nn.Conv2d(in_width, in_width, 3, padding=1)
        self.second_conv = nn.Conv2d(in_width, out_width, 3, padding=1)
        self.skip = nn.Conv2d(in_width, out_width, 1, bias=False)
        for conv in (self.first_conv, self.second_conv):
            # With torch's smaller weights the features of a deep net almost vanish at first.
            nn.init.kaiming_normal_(conv.weight, a=0.2)
            nn.init.zeros_(conv.bias)
        nn.init.kaiming_normal_(self.skip.weight, a=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_width, H, W) -> (B, out_width, H / 2, W / 2)."""
        h = self.first_conv(F.leaky_relu(x, 0.2))
        # Pooling comes before the convolution: a quarter of the work.
        h = self.second_conv(F.avg_pool2d(F.leaky_relu(h, 0.2), 2))
        return (self.skip(F.avg_pool2d(x, 2)) + h) * 2**-0.5
