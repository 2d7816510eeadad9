"""The learned temperature of a contrast."""

import math

import torch
from torch import Tensor, nn

from textgan.layer.bound import bound


class Temperature(nn.Module):
    """A positive number that is learned, and kept within [0.01, 1].

    CLIP (Radford et al. 2021) clips at 0.01; here its gradient leads back from beyond either end.

    Args:
        start: its value at the start.

    Raises:
        ValueError: `start` is out of range.
    """

    def __init__(self, start: float = 0.1):
        super().__init__()
        if not 0.01 <= start <= 1:
            raise ValueError(f"temperature must be within [0.01, 1], got {start}")
        self.log_temperature = nn.Parameter(torch.tensor(math.log(start)))

    def forward(self) -> Tensor:
        """The temperature, a scalar."""
        # Half of [log 0.01, log 1]. Not a clamp: its gradient would not lead back from beyond.
        half = math.log(10)
        return ((bound(self.log_temperature / half + 1) - 1) * half).exp()
