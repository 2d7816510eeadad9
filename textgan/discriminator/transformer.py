"""A transformer on the positions of an image or latent, conditioned on the text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.discriminator.base import Discriminator
from textgan.layer import AttentionPool, CrossAttention, TransformerBlock, channels_and_size
from textgan.types import DiscriminatorOutput, TextFeatures


class TransformerDiscriminator(Discriminator):
    """Transformer blocks on patches; the logit is an inner product with the text.

    The logit is that of the projection discriminator (Miyato & Koyama 2018; w . h + <V h, t>), of
    positions that attend to the words after the last block. The branches of the blocks are scaled
    by learned factors that start small (LayerScale, Touvron et al. 2021). All blocks work at the
    resolution of the patches, so it is meant for latents, whose resolution is low.

    Args:
        sample_shape: (channels, size, size) of an image or latent; the size is a multiple of 8 from
            8 to 256.
        text_width: width of the text features.
        width: of the positions.
        depth: number of blocks.
        num_heads: heads of every attention; it divides `width`.
        patch_size: side of the patch of a position; it divides the size.
        layer_scale: value at which the factors of the branches start.
        word_attention: whether the last positions also attend to the words.
        unconditional: whether a second logit scores the image without the text.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        width: int = 192,
        depth: int = 4,
        num_heads: int = 3,
        patch_size: int = 1,
        layer_scale: float = 0.1,
        word_attention: bool = True,
        unconditional: bool = False,
    ):
        super().__init__()
        channels, size = channels_and_size(sample_shape)
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        if patch_size < 1 or size % patch_size:
            raise ValueError(f"patch_size must divide the size {size}, got {patch_size}")
        side = size // patch_size
        self.from_patch = nn.Conv2d(channels, width, patch_size, stride=patch_size)
        self.rows = nn.Parameter(torch.randn(side, 1, width) * 0.5)
        self.columns = nn.Parameter(torch.randn(1, side, width) * 0.5)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, num_heads=num_heads, layer_scale=layer_scale)
            for _ in range(depth)
        )
        self.word_attention = (
            CrossAttention(width, text_width=text_width, num_heads=num_heads)
            if word_attention
            else None
        )
        self.pool = AttentionPool(width, 2 * width, num_queries=num_heads)
        self.logit = nn.Linear(2 * width, 1)
        self.project_image = nn.Linear(2 * width, text_width)
        self.project_text = nn.Linear(text_width, text_width)
        self.unconditional = nn.Linear(2 * width, 1) if unconditional else None

    def features(self, images: Tensor) -> list[Tensor]:
        """Images or latents (B, C, H, W) -> a map (B, width, h, w) for each block."""
        x = self.from_patch(images)
        side = x.shape[2:]
        x = x.flatten(2).mT + (self.rows + self.columns).flatten(0, 1)  # (B, N, width)
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x.mT.unflatten(-1, side))
        return features

    def score(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        """Feature maps and text -> logits (B, 1 or 2), pooled and text (B, text_width)."""
        alone = hidden = self._pool(features[-1])  # (B, 2 width)
        pooled, projected = self.project_image(alone), self.project_text(text.pooled)  # (B, D)
        if self.word_attention is not None:
            hidden = self._pool(self.word_attention(features[-1], text.words, text.mask))
        compared = self.project_image(hidden)
        match = (compared * projected).sum(1, keepdim=True) * pooled.shape[1] ** -0.5
        logits = self.logit(hidden) + match  # (B, 1)
        if self.unconditional is not None:
            logits = torch.cat([logits, self.unconditional(alone)], 1)  # (B, 2)
        return DiscriminatorOutput(logits, pooled, projected, features)

    def _pool(self, x: Tensor) -> Tensor:
        positions = x.flatten(2).mT  # (B, N, width)
        everywhere = torch.ones(positions.shape[:2], dtype=torch.bool, device=x.device)
        return F.leaky_relu(self.pool(positions, everywhere), 0.2)
