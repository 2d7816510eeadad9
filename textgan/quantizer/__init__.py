"""Quantizers: continuous latents -> codes from a finite set, and back."""

from textgan.quantizer.base import Quantizer
from textgan.quantizer.fsq import FSQ
from textgan.quantizer.gumbel import GumbelQuantizer
from textgan.quantizer.vq import VectorQuantizer

__all__ = ["FSQ", "GumbelQuantizer", "Quantizer", "VectorQuantizer"]
