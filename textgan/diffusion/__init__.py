"""Diffusions: how samples are made noisy, what a denoiser predicts, and who samples."""

from textgan.diffusion.base import Diffusion, Noised, times_of
from textgan.diffusion.flow import FlowDiffusion
from textgan.diffusion.gaussian import GaussianDiffusion, alphas_cumprod
from textgan.diffusion.sampling import guided, inverted, resumed, sampled

__all__ = [
    "Diffusion",
    "FlowDiffusion",
    "GaussianDiffusion",
    "Noised",
    "alphas_cumprod",
    "guided",
    "inverted",
    "resumed",
    "sampled",
    "times_of",
]
