"""Priors: distributions of codes or of image embeddings, given a caption."""

from textgan.prior.base import Sampling, TokenPrior
from textgan.prior.diffusion import DiffusionPrior
from textgan.prior.gpt import GPTPrior
from textgan.prior.masked import MaskedPrior

__all__ = ["DiffusionPrior", "GPTPrior", "MaskedPrior", "Sampling", "TokenPrior"]
