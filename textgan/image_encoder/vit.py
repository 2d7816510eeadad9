"""A transformer over the patches of an image."""

import transformers
from torch import Tensor, nn

from textgan.image_encoder.base import ImageEncoder
from textgan.types import ImageFeatures


class ViTImageEncoder(ImageEncoder):
    """Vision transformer (Dosovitskiy et al. 2021) in transformers' own class, from scratch.

    Regions are the patches, the pooled feature is the class token; both projected.

    Args:
        image_size: a multiple of `patch_size`.
        width: width of the output features.
        channels: 1, 3 or 4.
        patch_size: side of a patch.
        hidden_width: width of the transformer, divisible by `num_heads`.
        depth: number of layers.
        num_heads: attention heads of a layer.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int,
        channels: int = 3,
        patch_size: int = 8,
        hidden_width: int = 128,
        depth: int = 4,
        num_heads: int = 4,
    ):
        super().__init__()
        if channels not in (1, 3, 4):
            raise ValueError(f"channels must be 1, 3 or 4, got {channels}")
        if patch_size < 1 or image_size < patch_size or image_size % patch_size:
            rule = "image_size must be a multiple of patch_size"
            raise ValueError(f"{rule}, got {image_size} and {patch_size}")
        if num_heads < 1 or hidden_width % num_heads:
            rule = "hidden_width must be divisible by num_heads"
            raise ValueError(f"{rule}, got {hidden_width} and {num_heads}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        self.image_size, self.channels, self.width = image_size, channels, width
        self.side = image_size // patch_size
        config = transformers.ViTConfig(
            image_size=image_size,
            patch_size=patch_size,
            num_channels=channels,
            hidden_size=hidden_width,
            num_hidden_layers=depth,
            num_attention_heads=num_heads,
            intermediate_size=4 * hidden_width,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            initializer_range=hidden_width**-0.5,  # 0.02, made for 768, is slow to learn at 128
            attn_implementation="sdpa",
        )
        self.vit = transformers.ViTModel(config, add_pooling_layer=False)
        self.map_shapes = [(hidden_width, self.side, self.side)] * depth
        self.regions = nn.Linear(hidden_width, width)
        self.pooled = nn.Linear(hidden_width, width)

    def encode(self, images: Tensor) -> ImageFeatures:
        """As in the base class; maps are the patches after each layer."""
        states = self.vit(images, output_hidden_states=True)
        last = states.last_hidden_state  # (B, 1 + N, hidden), the class token first
        maps = [
            layer[:, 1:].mT.unflatten(-1, (self.side, self.side))  # (B, hidden, side, side)
            for layer in states.hidden_states[1:]
        ]
        return ImageFeatures(self.regions(last[:, 1:]), self.pooled(last[:, 0]), maps)
