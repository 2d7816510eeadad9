"""Autoencoders: images -> latents or codes, and back."""

from textgan.autoencoder.base import Autoencoder
from textgan.autoencoder.convolution import ConvolutionAutoencoder

__all__ = ["Autoencoder", "ConvolutionAutoencoder"]
