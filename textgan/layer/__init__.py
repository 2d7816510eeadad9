"""Layers that the networks share, on torch alone."""

from textgan.layer.attention import AttentionPool, CrossAttention, MeanPool, SelfAttention
from textgan.layer.clamp import clamp_passing_gradient
from textgan.layer.convolution import DownBlock, ModulatedBlock, Modulation
from textgan.layer.logits import from_logits, to_logits
from textgan.layer.mapping_network import MappingNetwork
from textgan.layer.prior import TextPrior
from textgan.layer.projection import projection
from textgan.layer.random_mixing import RandomMixing
from textgan.layer.recurrent import BidirectionalGRU
from textgan.layer.residual import ChannelNorm, ResidualBlock
from textgan.layer.resolution import channels_and_size, nearest_resolutions, widths_by_resolution
from textgan.layer.temperature import Temperature
from textgan.layer.transformer import (
    KeyValueCache,
    ModulatedTransformerBlock,
    RMSNorm,
    TransformerBlock,
    square_angles,
)

__all__ = [
    "AttentionPool",
    "BidirectionalGRU",
    "ChannelNorm",
    "CrossAttention",
    "DownBlock",
    "KeyValueCache",
    "MappingNetwork",
    "MeanPool",
    "ModulatedBlock",
    "ModulatedTransformerBlock",
    "Modulation",
    "RMSNorm",
    "RandomMixing",
    "ResidualBlock",
    "SelfAttention",
    "Temperature",
    "TextPrior",
    "TransformerBlock",
    "channels_and_size",
    "clamp_passing_gradient",
    "from_logits",
    "nearest_resolutions",
    "projection",
    "square_angles",
    "to_logits",
    "widths_by_resolution",
]
