"""Residual convolution blocks for autoencoders."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Normalise the channels of each position to mean 0 and variance 1, then scale and shift them.

    Unlike group normalisation, a position does not depend on the rest of the image, so that a net
    that was trained on crops works on whole images.
    """

    def __init__(self, width: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        last = x.permute(0, 2, 3, 1)  # no copy in channels_last
        last = F.layer_norm(last, last.shape[-1:], self.weight, self.bias, 1e-6)
        return last.permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions of the normalised x; at first it is the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = ChannelNorm(width)
        self.first_conv = nn.Conv2d(width, width, 3, padding=1)
        self.second_conv = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second_conv.weight)
        nn.init.zeros_(self.second_conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x + self.second_conv(F.silu(self.first_conv(self.norm(x))))
