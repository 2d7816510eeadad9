"""Posteriors q(z | image, text): the encoder half of the VAE-GAN."""

from textgan.posterior.base import PosteriorEncoder
from textgan.posterior.convolution import ConvolutionPosterior

__all__ = ["ConvolutionPosterior", "PosteriorEncoder"]
