"""Sines and cosines of a time."""

import math

import torch
from torch import Tensor


def waves(time: Tensor, count: int) -> Tensor:
    """Time (B,) in [0, 1] -> sines and cosines of it (B, count), float32.

    The frequencies are those of Vaswani et al. 2017, for times from 0 to 1,000.
    """
    half = count // 2
    frequencies = 1_000 * torch.exp(
        -math.log(10_000) * torch.arange(half, device=time.device) / half
    )
    angles = time.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)
