"""A residual discriminator that is conditioned on the text by projection."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.discriminator.base import Discriminator
from textgan.layer import (
    CrossAttention,
    DownBlock,
    SelfAttention,
    channels_and_size,
    nearest_resolutions,
    widths_by_resolution,
)
from textgan.types import DiscriminatorOutput, TextFeatures


class ProjectionDiscriminator(Discriminator):
    """Residual downsampling to 4x4; the logit is an inner product with the text.

    The projection discriminator of Miyato & Koyama 2018 (logit = w . h + <V h, t>) without
    normalisation layers (R3GAN, Huang et al. 2024) and with self-attention. Where halving does not
    reach 4x4, the last map has the last resolution above it.

    Args:
        sample_shape: (channels, size, size) of an image or latent; the size is a multiple of 8 from
            8 to 256.
        text_width: width of the text features.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
        attention_resolutions: resolutions below the full one with self-attention. A power of two
            stands for the nearest resolution of a block.
        num_heads: heads of every attention.
        word_attention: whether the positions of the last map also attend to the words.
        unconditional: whether a second logit scores the image without the text.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        width: int = 24,
        max_width: int = 96,
        attention_resolutions: tuple[int, ...] = (8,),
        num_heads: int = 2,
        word_attention: bool = False,
        unconditional: bool = False,
    ):
        super().__init__()
        channels, size = channels_and_size(sample_shape)
        widths = widths_by_resolution(size, width=width, max_width=max_width)
        resolutions, last = sorted(widths, reverse=True), min(widths)
        with_attention = nearest_resolutions(
            "attention_resolutions", attention_resolutions, resolutions[1:]
        )
        self.from_image = nn.Conv2d(channels, widths[size], 3, padding=1)
        self.blocks, self.attentions = nn.ModuleDict(), nn.ModuleDict()
        for above, here in pairwise(resolutions):
            self.blocks[str(here)] = DownBlock(widths[above], widths[here])
            if here in with_attention:
                self.attentions[str(here)] = SelfAttention(widths[here], num_heads=num_heads)
        deepest = widths[last]
        self.word_attention = (
            CrossAttention(deepest, text_width=text_width, num_heads=num_heads)
            if word_attention
            else None
        )
        self.pool = nn.Linear(deepest * last**2, 2 * deepest)
        self.logit = nn.Linear(2 * deepest, 1)
        self.project_image = nn.Linear(2 * deepest, text_width)
        self.project_text = nn.Linear(text_width, text_width)
        self.unconditional = nn.Linear(2 * deepest, 1) if unconditional else None

    def features(self, images: Tensor) -> list[Tensor]:
        """Images or latents (B, C, H, W) -> a map (B, C_r, r, r) a block, half the size to 4."""
        x, features = self.from_image(images), []
        for resolution, block in self.blocks.items():
            x = block(x)  # (B, C_r, r, r)
            if resolution in self.attentions:
                x = self.attentions[resolution](x)
            features.append(x)
        return features

    def score(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        """Feature maps and text -> logits (B, 1 or 2), pooled and text (B, text_width)."""
        hidden = self._pool(features[-1])  # (B, 2 C_4)
        pooled, projected = self.project_image(hidden), self.project_text(text.pooled)  # (B, D)
        compared = pooled
        if self.word_attention is not None:  # `pooled` stays independent of the text
            hidden = self._pool(self.word_attention(features[-1], text.words, text.mask))
            compared = self.project_image(hidden)
        match = (compared * projected).sum(1, keepdim=True) * pooled.shape[1] ** -0.5
        logits = self.logit(hidden) + match  # (B, 1)
        if self.unconditional is not None:
            logits = torch.cat([logits, self.unconditional(hidden)], 1)  # (B, 2)
        return DiscriminatorOutput(logits, pooled, projected, features)

    def _pool(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.pool(F.leaky_relu(x, 0.2).flatten(1)), 0.2)
