"""Denoisers: noisy images or latents, time and text -> a prediction."""

from textgan.denoiser.base import Denoiser
from textgan.denoiser.embedding import EmbeddingCondition
from textgan.denoiser.low_resolution import LowResolutionCondition
from textgan.denoiser.transformer import TransformerDenoiser
from textgan.denoiser.unet import UNetDenoiser

__all__ = [
    "Denoiser",
    "EmbeddingCondition",
    "LowResolutionCondition",
    "TransformerDenoiser",
    "UNetDenoiser",
]
