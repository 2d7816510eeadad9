"""A residual critic that reads the text by projection."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.discriminator.base import Discriminator
from textgan.layer import (
    CrossAttention,
    DownBlock,
    SelfAttention,
    check_resolutions,
    widths_by_resolution,
)
from textgan.types import DiscriminatorOutput, TextFeatures


class ProjectionDiscriminator(Discriminator):
    """Residual downsampling to 4x4, self-attention, a logit that is an inner product with the text.

    The projection critic of Miyato & Koyama 2018 (logit = w . h + <V h, t>) without normalisation
    layers (R3GAN, Huang et al. 2024).

    Args:
        image_size: 16, 32, 64, 128 or 256.
        text_width: width of the text features.
        channels: 1, 3 or 4.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
        attention_resolutions: where places look at each other.
        num_heads: heads of every attention.
        word_attention: whether the places of the last map also look at the words.
        unconditional: whether a second logit judges the picture alone, without the text.
    """

    def __init__(
        self,
        *,
        image_size: int,
        text_width: int,
        channels: int = 3,
        width: int = 24,
        max_width: int = 96,
        attention_resolutions: tuple[int, ...] = (8,),
        num_heads: int = 2,
        word_attention: bool = False,
        unconditional: bool = False,
    ):
        super().__init__()
        widths = widths_by_resolution(image_size, width=width, max_width=max_width)
        below = [resolution for resolution in widths if resolution < image_size]
        check_resolutions("attention_resolutions", attention_resolutions, below)
        resolutions, deepest = sorted(widths, reverse=True), widths[4]
        self.from_image = nn.Conv2d(channels, widths[image_size], 3, padding=1)
        self.blocks, self.attentions = nn.ModuleDict(), nn.ModuleDict()
        for above, here in pairwise(resolutions):
            self.blocks[str(here)] = DownBlock(widths[above], widths[here])
            if here in attention_resolutions:
                self.attentions[str(here)] = SelfAttention(widths[here], num_heads=num_heads)
        self.word_attention = (
            CrossAttention(deepest, text_width=text_width, num_heads=num_heads)
            if word_attention
            else None
        )
        self.pool = nn.Linear(deepest * 16, 2 * deepest)
        self.logit = nn.Linear(2 * deepest, 1)
        self.project_image = nn.Linear(2 * deepest, text_width)
        self.project_text = nn.Linear(text_width, text_width)
        self.unconditional = nn.Linear(2 * deepest, 1) if unconditional else None

    def features(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) in [-1, 1] -> a map (B, C_r, r, r) a block, half the size to 4."""
        x, features = self.from_image(images), []
        for resolution, block in self.blocks.items():
            x = block(x)  # (B, C_r, r, r)
            if resolution in self.attentions:
                x = self.attentions[resolution](x)
            features.append(x)
        return features

    def score(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        """Features and text -> logits (B, 1 or 2), pooled and text (B, text_width)."""
        hidden = self._pool(features[-1])  # (B, 2 C_4)
        pooled, projected = self.project_image(hidden), self.project_text(text.pooled)  # (B, D)
        seen = pooled
        if self.word_attention is not None:  # `pooled` stays the picture's own
            hidden = self._pool(self.word_attention(features[-1], text.words, text.mask))
            seen = self.project_image(hidden)
        match = (seen * projected).sum(1, keepdim=True) * pooled.shape[1] ** -0.5
        logits = self.logit(hidden) + match  # (B, 1)
        if self.unconditional is not None:
            logits = torch.cat([logits, self.unconditional(hidden)], 1)  # (B, 2)
        return DiscriminatorOutput(logits, pooled, projected, features)

    def _pool(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.pool(F.leaky_relu(x, 0.2).flatten(1)), 0.2)
