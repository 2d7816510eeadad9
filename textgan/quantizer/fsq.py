"""Finite scalar quantization."""

import math

import torch
from torch import Tensor

from textgan.quantizer.base import Quantizer
from textgan.types import Quantized

_SLOPE = 1.6


class FSQ(Quantizer):
    """Finite scalar quantization (Mentzer et al. 2023): each channel is rounded to a few levels.

    A channel x is bounded by y = 2 sigmoid(1.6 x) - 1, which is nearly uniform in (-1, 1) where x
    is standard normal (iFSQ, Lin et al. 2026, in place of tanh), and then replaced by the middle of
    one of L equal intervals. So no codebook has to be learned, all codes are used, and no loss is
    needed. The gradient passes through the rounding (straight-through).

    Args:
        levels: L of each channel of a group; the product is the codebook's size.
        groups: codes at each position.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(self, *, levels: tuple[int, ...] = (8, 8, 8), groups: int = 1):
        super().__init__()
        if not levels or min(levels) < 2:
            raise ValueError(f"levels must be numbers of at least 2, got {list(levels)}")
        if groups < 1:
            raise ValueError(f"groups must be at least 1, got {groups}")
        self.groups, self.codebook_size = groups, math.prod(levels)
        self.in_channels = self.channels = groups * len(levels)
        number = torch.tensor(levels).repeat(groups)[:, None, None]  # (C, 1, 1)
        weights = torch.tensor([math.prod(levels[:n]) for n in range(len(levels))])
        self.register_buffer("levels", number, persistent=False)
        self.register_buffer("weights", weights[:, None, None], persistent=False)

    def forward(self, latents: Tensor, progress: float = 1.0) -> Quantized:
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.to(torch.promote_types(latents.dtype, torch.float32))
            bounded = 2 * torch.sigmoid(_SLOPE * latents) - 1
            places = (self.levels * (bounded.detach() + 1) / 2).floor().long()
            places = places.clamp(min=0).minimum(self.levels - 1)  # (B, C, H, W)
            values = bounded + (self._middles(places) - bounded).detach()
        codes = (places.unflatten(1, (self.groups, -1)) * self.weights).sum(2)
        return Quantized(values, codes, values.new_zeros(()))

    def decode(self, codes: Tensor) -> Tensor:
        self.check(codes)
        levels = self.levels.unflatten(0, (self.groups, -1))
        places = codes[:, :, None] // self.weights % levels  # (B, groups, channels each, H, W)
        return self._middles(places.flatten(1, 2))

    def _middles(self, places: Tensor) -> Tensor:
        """The middles of these intervals of (-1, 1)."""
        return (2 * places + 1) / self.levels - 1
