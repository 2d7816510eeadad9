"""A transformer on the positions of an image or latent, modulated by noise and text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.generator.base import Generator
from textgan.layer import (
    MappingNetwork,
    ModulatedTransformerBlock,
    RMSNorm,
    TextPrior,
    channels_and_size,
    clamp_passing_gradient,
)
from textgan.types import Gaussian, TextFeatures


class TransformerGenerator(Generator):
    """Noise and text -> image or latent, by a transformer whose positions are patches of it.

    As in `AttentionGenerator`, noise becomes a z whose mean and variance depend on the text, and a
    mapping network makes one style vector of z and the pooled text. Each position starts from the
    same vector, made of style and z, and a learned encoding of its row and column. The style
    modulates every block, and in every block the positions attend to the words. All blocks work at
    the resolution of the patches, so it is meant for latents, whose resolution is low.

    Args:
        sample_shape: (channels, size, size) of a sample. The size is a multiple of 8 from 8 to 256;
            images have 1, 3 or 4 channels.
        text_width: width of the text features.
        noise_width: length of the noise vector.
        width: of the positions.
        depth: number of blocks.
        num_heads: heads of every attention.
        patch_size: side of the patch of a position; it divides the size.
        style_width: length of the style vector.
        bounded: whether samples are clamped to [-1, 1], as images must be. Latents are not bounded.

    Raises:
        ValueError: a number is out of range.
    """

    attends_words = True

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        noise_width: int = 16,
        width: int = 192,
        depth: int = 6,
        num_heads: int = 3,
        patch_size: int = 1,
        style_width: int = 128,
        bounded: bool = True,
    ):
        super().__init__()
        channels, size = channels_and_size(sample_shape)
        if bounded and channels not in (1, 3, 4):
            raise ValueError(f"channels must be 1, 3 or 4 if bounded is true, got {channels}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        if patch_size < 1 or size % patch_size:
            raise ValueError(f"patch_size must divide the size {size}, got {patch_size}")
        self.sample_shape, self.noise_shape = (channels, size, size), (noise_width,)
        self.bounded, self.patch_size, side = bounded, patch_size, size // patch_size
        self.text_prior = TextPrior(text_width, noise_width)
        self.style = MappingNetwork(noise_width, text_width, style_width)
        self.start = nn.Linear(style_width + noise_width, width)
        self.rows = nn.Parameter(torch.randn(side, 1, width) * 0.5)
        self.columns = nn.Parameter(torch.randn(1, side, width) * 0.5)
        self.blocks = nn.ModuleList(
            ModulatedTransformerBlock(
                width, num_heads=num_heads, style_width=style_width, text_width=text_width
            )
            for _ in range(depth)
        )
        self.norm = RMSNorm(width)
        self.scale_shift = nn.Linear(style_width, 2 * width)
        self.to_patch = nn.Linear(width, channels * patch_size**2)
        nn.init.normal_(self.scale_shift.weight, std=0.5 * style_width**-0.5)
        nn.init.zeros_(self.scale_shift.bias)
        nn.init.normal_(self.to_patch.weight, std=0.1 * width**-0.5)

    def prior(self, text: TextFeatures) -> Gaussian:
        return Gaussian(*self.text_prior(text.pooled))

    def forward(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """Noise (B, noise_width) and text -> samples (B, *sample_shape), in [-1, 1] if bounded."""
        return self._generate(noise, text, None)

    def word_attention(self, noise: Tensor, text: TextFeatures) -> Tensor:
        maps: list[Tensor] = []
        size = self._generate(noise, text, maps).shape[2:]
        weights = torch.stack(maps).mean(0)
        return F.interpolate(weights, size, mode="bilinear", align_corners=False)

    def _generate(self, noise: Tensor, text: TextFeatures, maps: list[Tensor] | None) -> Tensor:
        z = self.prior(text).detach().sample(noise)
        style = self.style(z, text.pooled)  # (B, S)
        start = self.start(torch.cat([style, z], 1))[:, None]  # (B, 1, width)
        x = start + (self.rows + self.columns).flatten(0, 1)  # (B, N, width)
        for block in self.blocks:
            x = block(x, style, text.words, text.mask, maps)
        scale, shift = self.scale_shift(style)[:, None].chunk(2, -1)
        patches = self.to_patch(torch.addcmul(shift, self.norm(x), 1 + scale)).mT  # (B, C p p, N)
        side = self.rows.shape[0]
        sample = F.pixel_shuffle(patches.unflatten(-1, (side, side)), self.patch_size)
        return clamp_passing_gradient(sample) if self.bounded else sample
