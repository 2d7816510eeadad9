"""Priors: distributions of an autoencoder's codes, given a caption."""

from textgan.prior.base import Sampling, TokenPrior
from textgan.prior.gpt import GPTPrior

__all__ = ["GPTPrior", "Sampling", "TokenPrior"]
