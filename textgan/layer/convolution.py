"""Residual convolution blocks: upsampling for generators, downsampling for critics."""

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Modulation(nn.Module):
    """Normalise each picture's channels in groups, then scale and shift them by a style vector.

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
    """Residual block of a generator: two modulated convolutions, a doubled resolution between them.

    Above 4x4 the second one also sees where a place is: learned waves, which the style scales, so
    that a style can say "here" (periodic features let a net see places: Tancik et al. 2020).
    Upsampling is bilinear: pixel shuffle and nearest neighbour left a dot grid in small nets.

    Args:
        in_width, out_width: channels.
        style_width: length of the style.
        resolution: height and width of what comes out; 4 means that it is not upsampled.
    """

    def __init__(self, in_width: int, out_width: int, *, style_width: int, resolution: int):
        super().__init__()
        self.upsample = resolution > 4
        self.first = Modulation(in_width, style_width=style_width)
        self.first_conv = nn.Conv2d(in_width, out_width, 3, padding=1)
        self.place = nn.Parameter(_waves(out_width, resolution)) if self.upsample else None
        self.second = Modulation(out_width, style_width=style_width)
        self.second_conv = nn.Conv2d(out_width, out_width, 3, padding=1)
        self.skip = nn.Conv2d(in_width, out_width, 1) if in_width != out_width else nn.Identity()
        nn.init.zeros_(self.second_conv.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """X (B, in, H, W), style (B, S) -> (B, out, H', W'), H' = 2 H when upsampling."""
        skip = self.skip(x)
        h = self.first_conv(
            F.silu(self.first(x, style))
        )  # before upsampling: a quarter of the work
        if self.upsample:
            skip = F.interpolate(skip, scale_factor=2.0, mode="bilinear", align_corners=False)
            h = F.interpolate(h, scale_factor=2.0, mode="bilinear", align_corners=False)
            h = h + self.place.to(h.dtype)
        h = self.second_conv(F.silu(self.second(h, style)))
        return skip + h


def _waves(width: int, resolution: int) -> Tensor:
    """(width, H, H): plane waves of unit variance, of about a period or less over the picture."""
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
            nn.init.kaiming_normal_(
                conv.weight, a=0.2
            )  # without it a deep critic sees next to nothing at first
            nn.init.zeros_(conv.bias)
        nn.init.kaiming_normal_(self.skip.weight, a=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / 2, W / 2)."""
        h = self.first_conv(F.leaky_relu(x, 0.2))
        h = self.second_conv(
            F.avg_pool2d(F.leaky_relu(h, 0.2), 2)
        )  # pooling first: a quarter of the work
        return (self.skip(F.avg_pool2d(x, 2)) + h) * 2**-0.5


def widths_by_resolution(image_size: int, *, width: int, max_width: int) -> dict[int, int]:
    """Channels at each resolution from 4 up to `image_size`.

    They are `width` at the full size and double downwards to `max_width`.

    Raises:
        ValueError: if image_size is not a power of two from 16 to 256.
    """
    if image_size not in (16, 32, 64, 128, 256):
        raise ValueError(f"image_size must be a power of two from 16 to 256, got {image_size}")
    widths, resolution = {}, image_size
    while resolution >= 4:
        widths[resolution] = min(width * image_size // resolution, max_width)
        resolution //= 2
    return dict(sorted(widths.items()))


def check_resolutions(argument: str, given: Iterable[int], known: Iterable[int]) -> None:
    """A ValueError that names the argument if it asks for a resolution that no block has."""
    if not set(given) <= set(known):
        raise ValueError(
            f"{argument} must be among the resolutions of the blocks, {sorted(known)}, "
            f"got {list(given)}"
        )
