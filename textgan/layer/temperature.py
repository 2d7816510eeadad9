"""The learned temperature of a contrastive loss."""

import math

import torch
from torch import Tensor, nn

from textgan.layer.clamp import clamp_passing_gradient


class Temperature(nn.Module):
    """A learned positive number, kept within [0.01, 1].

    CLIP (Radford et al. 2021) clips at 0.01; here a value beyond either end still gets the gradient
    that leads back.

    Args:
        start: value at initialisation.

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
        half = math.log(10)  # half the length of [log 0.01, log 1]
        return ((clamp_passing_gradient(self.log_temperature / half + 1) - 1) * half).exp()
