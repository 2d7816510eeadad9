"""Bricks that every net shares, torch only."""

from textgan.layer.attention import AttentionPool, CrossAttention, SelfAttention
from textgan.layer.bound import bound
from textgan.layer.convolution import (
    DownBlock,
    ModulatedBlock,
    Modulation,
    check_resolutions,
    widths_by_resolution,
)
from textgan.layer.prior import TextPrior
from textgan.layer.recurrent import BothWays
from textgan.layer.style import Style
from textgan.layer.temperature import Temperature

__all__ = [
    "AttentionPool",
    "BothWays",
    "CrossAttention",
    "DownBlock",
    "ModulatedBlock",
    "Modulation",
    "SelfAttention",
    "Style",
    "Temperature",
    "TextPrior",
    "bound",
    "check_resolutions",
    "widths_by_resolution",
]
