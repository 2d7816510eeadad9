"""Bricks that every net shares, torch only."""

from textgan.layer.attention import CrossAttention, SelfAttention
from textgan.layer.bound import bound
from textgan.layer.convolution import DownBlock, ModulatedBlock, Modulation, widths_by_resolution

__all__ = [
    "CrossAttention",
    "DownBlock",
    "ModulatedBlock",
    "Modulation",
    "SelfAttention",
    "bound",
    "widths_by_resolution",
]
