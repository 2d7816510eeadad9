"""Priors: distributions of an autoencoder's codes, given a caption."""

from textgan.prior.base import Sampling, TokenPrior
from textgan.prior.gpt import GPTPrior
from textgan.prior.masked import MaskedPrior

__all__ = ["GPTPrior", "MaskedPrior", "Sampling", "TokenPrior"]
