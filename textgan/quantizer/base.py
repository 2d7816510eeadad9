"""The contract of every quantizer."""

import math
from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import Quantized


class Quantizer(Part):
    """Replaces the latents at each position by codes from a finite set.

    The channels of a position are divided into groups, each of which has a code of its own.

    Attributes:
        in_channels: channels of the latents that it takes.
        channels: channels of the quantised values.
        groups: codes at each position.
        codebook_size: number of different codes of a group.
        needs_loss: whether it cannot be trained without its loss.
    """

    needs_loss: bool = False
    in_channels: int
    channels: int
    groups: int
    codebook_size: int

    @property
    def bits(self) -> float:
        """Bits of the codes at one position."""
        return self.groups * math.log2(self.codebook_size)

    @abstractmethod
    def forward(self, latents: Tensor, progress: float = 1.0) -> Quantized:
        """Latents (B, in_channels, H, W) -> the quantised values, their codes and a loss.

        Args:
            latents: the encoder's output.
            progress: share of the training, in [0, 1], for quantizers that change with it.
        """

    @abstractmethod
    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, groups, H, W) int64 -> their values (B, channels, H, W).

        Raises:
            ValueError: a code or the number of groups is out of range.
        """

    def check(self, codes: Tensor) -> None:
        """Raise a ValueError unless these are codes of this quantizer."""
        if codes.ndim != 4 or codes.shape[1] != self.groups:
            rule = f"codes must have the shape (images, {self.groups}, height, width)"
            raise ValueError(f"{rule}, got {tuple(codes.shape)}")
        if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < self.codebook_size:
            rule = f"codes must be within [0, {self.codebook_size})"
            raise ValueError(f"{rule}, got {int(codes.min())} to {int(codes.max())}")
