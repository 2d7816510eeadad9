"""A diffusion transformer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.denoiser.base import Denoiser
from textgan.layer import ModulatedTransformerBlock, RMSNorm, channels_and_size, square_angles
from textgan.layer.waves import waves
from textgan.types import TextFeatures

_WAVES = 256  # sines and cosines of the time


class TransformerDenoiser(Denoiser):
    """A transformer on patches, modulated by time and text (DiT, Peebles & Xie 2023).

    Time and pooled text make a style vector, which scales, shifts and gates every block
    (adaLN-zero); in every block the positions attend to the words. Positions are told by learned
    encodings of row and column and by rotations of queries and keys (RoPE).

    Args:
        sample_shape: (channels, size, size) of a sample. The size is a multiple of 8 from 8 to 256.
        text_width: width of the text features.
        width: of the positions.
        depth: number of blocks.
        num_heads: heads of every attention; width / num_heads is divisible by 4.
        patch_size: side of the patch of a position; 1 for latents, more for pixels.
        extra_channels: further channels that it sees, such as those of a smaller image.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        width: int = 192,
        depth: int = 6,
        num_heads: int = 3,
        patch_size: int = 1,
        extra_channels: int = 0,
    ):
        super().__init__()
        channels, size = channels_and_size(sample_shape)
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        if patch_size < 1 or size % patch_size:
            raise ValueError(f"patch_size must divide the size {size}, got {patch_size}")
        if extra_channels < 0:
            raise ValueError(f"extra_channels must be at least 0, got {extra_channels}")
        self.sample_shape, self.text_width = (channels, size, size), text_width
        self.extra_channels, seen = extra_channels, channels + extra_channels
        self.patch_size, side = patch_size, size // patch_size
        self.from_patch = nn.Conv2d(seen, width, patch_size, stride=patch_size)
        self.rows = nn.Parameter(torch.randn(side, 1, width) * 0.1)
        self.columns = nn.Parameter(torch.randn(1, side, width) * 0.1)
        self.time = nn.Sequential(nn.Linear(_WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.text = nn.Linear(text_width, width)
        self.blocks = nn.ModuleList(
            ModulatedTransformerBlock(
                width, num_heads=num_heads, style_width=width, text_width=text_width, gated=True
            )
            for _ in range(depth)
        )
        self.norm = RMSNorm(width)
        self.scale_shift = nn.Linear(width, 2 * width)
        self.to_patch = nn.Linear(width, channels * patch_size**2)
        for layer in (self.scale_shift, self.to_patch):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.head_width = width // num_heads
        square_angles(side, self.head_width)  # raises an error for a width that cannot be rotated

    def forward(self, noisy: Tensor, time: Tensor, text: TextFeatures) -> Tensor:
        style = F.silu(self.time(waves(time, _WAVES).to(noisy.dtype)) + self.text(text.pooled))
        x = self.from_patch(noisy).flatten(2).mT  # (B, N, width)
        x = x + (self.rows + self.columns).flatten(0, 1)
        side = self.rows.shape[0]
        angles = square_angles(side, self.head_width).to(x.device)
        for block in self.blocks:
            x = block(x, style, text.words, text.mask, angles=angles)
        scale, shift = self.scale_shift(style)[:, None].chunk(2, -1)
        patches = self.to_patch(torch.addcmul(shift, self.norm(x), 1 + scale)).mT  # (B, C p p, N)
        return F.pixel_shuffle(patches.unflatten(-1, (side, side)), self.patch_size)
