"""A convolutional image encoder."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.image_encoder.base import ImageEncoder
from textgan.layer import (
    AttentionPool,
    DownBlock,
    SelfAttention,
    nearest_resolutions,
    widths_by_resolution,
)
from textgan.types import ImageFeatures


class ResNetImageEncoder(ImageEncoder):
    """Residual downsampling to 4x4 (He et al. 2016), self-attention, no normalisation layers.

    The features of an image do not depend on the other images of the batch, in training either.
    Regions are the positions of one map, each projected. The pooled feature is the sum of a hidden
    layer over the whole 4x4 map and of an attention pool over the regions' map with a few learned
    queries and position embeddings. A query detects its feature at every position.

    Args:
        image_size: a multiple of 8 from 8 to 256.
        width: width of the output features.
        channels: 1, 3 or 4.
        base_width: channels at the full resolution; they double with each halving.
        max_width: largest number of channels at any resolution.
        region_resolution: height and width of the map whose positions are the regions. A
            power of two stands for the nearest resolution of a block.
        attention_resolutions: resolutions with self-attention between positions, as above.
        num_heads: heads of every attention.
        num_questions: number of queries of the pooled feature; must divide the channels at
            `region_resolution`.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int,
        channels: int = 3,
        base_width: int = 16,
        max_width: int = 128,
        region_resolution: int = 8,
        attention_resolutions: tuple[int, ...] = (8,),
        num_heads: int = 2,
        num_questions: int = 8,
    ):
        super().__init__()
        if channels not in (1, 3, 4):
            raise ValueError(f"channels must be 1, 3 or 4, got {channels}")
        self.image_size, self.channels, self.width = image_size, channels, width
        widths = widths_by_resolution(image_size, width=base_width, max_width=max_width)
        below = [resolution for resolution in widths if resolution < image_size]
        attentions = nearest_resolutions("attention_resolutions", attention_resolutions, below)
        (region_resolution,) = nearest_resolutions("region_resolution", [region_resolution], below)
        if num_questions < 1 or widths[region_resolution] % num_questions:
            rule = f"num_questions must divide the {widths[region_resolution]} channels"
            raise ValueError(f"{rule} at region_resolution, got {num_questions}")
        self.region_resolution = region_resolution
        self.from_image = nn.Conv2d(channels, widths[image_size], 3, padding=1)
        self.blocks, self.attentions = nn.ModuleDict(), nn.ModuleDict()
        for above, here in pairwise(sorted(widths, reverse=True)):
            self.blocks[str(here)] = DownBlock(widths[above], widths[here])
            if here in attentions:
                self.attentions[str(here)] = SelfAttention(widths[here], num_heads=num_heads)
        self.map_shapes = [(widths[r], r, r) for r in sorted(below, reverse=True)]
        self.regions = nn.Linear(widths[region_resolution], width)
        self.hidden = nn.Linear(widths[min(widths)] * min(widths) ** 2, 2 * width)
        self.pooled = nn.Linear(2 * width, width)
        deep = widths[region_resolution]
        self.place = nn.Parameter(torch.randn(region_resolution**2, deep))
        self.asked = AttentionPool(deep, width, num_queries=num_questions)
        # Queries that begin alike stay alike for long.
        nn.init.normal_(self.asked.score.weight, std=deep**-0.5)

    def encode(self, images: Tensor) -> ImageFeatures:
        """As in the base class; maps (B, C_r, r, r) from half the size down to 4."""
        x, maps = self.from_image(images), []
        for resolution, block in self.blocks.items():
            x = block(x)  # (B, C_r, r, r)
            if resolution in self.attentions:
                x = self.attentions[resolution](x)
            maps.append(x)
        chosen = next(m for m in maps if m.shape[-1] == self.region_resolution)
        positions = F.leaky_relu(chosen, 0.2).flatten(2).mT  # (B, r * r, C_r)
        hidden = F.leaky_relu(self.hidden(F.leaky_relu(x, 0.2).flatten(1)), 0.2)
        everywhere = torch.ones(positions.shape[:2], dtype=torch.bool, device=images.device)
        pooled = self.pooled(hidden) + self.asked(positions + self.place, everywhere)  # (B, width)
        return ImageFeatures(self.regions(positions), pooled, maps)
