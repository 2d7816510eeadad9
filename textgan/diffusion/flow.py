"""Rectified flow: straight lines from noise to samples."""

from math import isfinite
from typing import Any

import torch
from torch import Tensor

from textgan.diffusion.base import Diffusion, Noised, expanded


class FlowDiffusion(Diffusion):
    """x_t = (1 - t) x + t n, and the denoiser predicts the velocity n - x.

    Rectified flow (Liu et al. 2023), with the times of Stable Diffusion 3 (Esser et al. 2024):
    t = sigmoid(mean + deviation * r), r standard normal, so that middle times come more often.

    Args:
        sampler: "euler" (a step for each evaluation of the denoiser) or "heun" (two evaluations).
        time_mean: mean of the logit of the time in training.
        time_deviation: its standard deviation.

    Raises:
        ValueError: there is no such sampler, or the deviation is not positive.
    """

    samplers = {
        "euler": "FlowMatchEulerDiscreteScheduler",
        "heun": "FlowMatchHeunDiscreteScheduler",
    }

    def __init__(
        self, *, sampler: str = "euler", time_mean: float = 0.0, time_deviation: float = 1.0
    ):
        super().__init__(sampler)
        if not (isfinite(time_deviation) and time_deviation > 0):
            raise ValueError(f"time_deviation must be positive, got {time_deviation}")
        if not isfinite(time_mean):
            raise ValueError(f"time_mean must be a number, got {time_mean}")
        self.time_mean, self.time_deviation = time_mean, time_deviation

    def noised(self, samples: Tensor, noise: Tensor, random: Tensor) -> Noised:
        time = torch.sigmoid(self.time_mean + self.time_deviation * random)
        t = expanded(time)
        return Noised((1 - t) * samples + t * noise, time, noise - samples, torch.ones_like(time))

    def clean(self, prediction: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        return noisy - expanded(time) * prediction

    def velocity(self, prediction: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        return prediction

    def before(self, samples: Tensor, velocity: Tensor, time: Tensor, to: Tensor) -> Tensor:
        return samples + expanded(to - time) * velocity

    def scaled(self, noisy: Tensor, time: Tensor) -> Tensor:
        return noisy

    def scheduler(self, steps: int, sampler: str | None = None) -> Any:
        name = self.sampler_named(sampler)
        scheduler = self._made(name)
        if name == "euler":
            scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / steps, steps).tolist())
        else:
            scheduler.set_timesteps(steps)
        return scheduler
