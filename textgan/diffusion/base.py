"""The contract of diffusions: how samples are made noisy, and what a denoiser predicts."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from textgan.errors import ConfigError
from textgan.pretrained.part import Part


@dataclass
class Noised:
    """B noisy samples for a step of training.

    values (B, C, H, W); time (B,) in [0, 1]; target (B, C, H, W), what the denoiser is to predict;
    weight (B,), the factor of each image's squared error.
    """

    values: Tensor
    time: Tensor
    target: Tensor
    weight: Tensor


class Diffusion(Part):
    """Makes samples noisy: x_t = a(t) x + s(t) n, with noise n and time t in [0, 1].

    It has no weights. Samples are drawn by the schedulers of the library diffusers, which the
    extra `diffusion` installs.

    Args:
        sampler: name of the scheduler, one of `samplers`.

    Attributes:
        samplers: name -> class of diffusers. One of them is "euler".

    Raises:
        ValueError: there is no such sampler.
    """

    samplers: dict[str, str] = {}

    def __init__(self, sampler: str):
        super().__init__()
        if sampler not in self.samplers:
            known = ", ".join(self.samplers)
            raise ValueError(f"sampler must be one of {known}, got {sampler!r}")
        self.sampler = sampler

    def sampler_named(self, name: str | None) -> str:
        """The name of a sampler, by default the own one.

        Raises:
            ValueError: there is no such sampler.
        """
        if name is not None and name not in self.samplers:
            raise ValueError(f"sampler must be one of {', '.join(self.samplers)}, got {name!r}")
        return self.sampler if name is None else name

    @abstractmethod
    def noised(self, samples: Tensor, noise: Tensor, random: Tensor) -> Noised:
        """Make samples noisy, each at a random time.

        Args:
            samples: (B, C, H, W).
            noise: standard normal, of the same shape.
            random: (B,) standard normal numbers, which decide the times.
        """

    @abstractmethod
    def clean(self, prediction: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        """The samples that a prediction stands for.

        Args:
            prediction: of the denoiser, (B, C, H, W).
            noisy: what it saw, of the same shape.
            time: (B,) in [0, 1].
        """

    @abstractmethod
    def velocity(self, prediction: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        """The velocity that a prediction stands for: n - x, or a n - s x if a^2 + s^2 = 1.

        Args:
            prediction: of the denoiser, (B, C, H, W).
            noisy: what it saw, of the same shape.
            time: (B,) in (0, 1].
        """

    @abstractmethod
    def before(self, samples: Tensor, velocity: Tensor, time: Tensor, to: Tensor) -> Tensor:
        """The noisier samples from which a step of the sampler "euler" leads to given ones.

        Args:
            samples: (B, C, H, W) at `time`.
            velocity: at `to`, of the same shape.
            time: (B,) in [0, 1); 0 is without noise.
            to: (B,), greater times.
        """

    @abstractmethod
    def scaled(self, noisy: Tensor, time: Tensor) -> Tensor:
        """Noisy samples (B, C, H, W) at times (B,), in the scale that the sampler "euler" has."""

    @abstractmethod
    def scheduler(self, steps: int, sampler: str | None = None) -> Any:
        """The scheduler of diffusers, set to a number of steps.

        Args:
            steps: at least 1.
            sampler: its name, by default the own one.
        """

    def _made(self, name: str, **options: Any) -> Any:
        """A scheduler of the class that a name stands for.

        Raises:
            ConfigError: diffusers is not installed.
        """
        try:
            import diffusers
        except ImportError as error:
            raise ConfigError(
                "diffusion models need the package diffusers: pip install 'textgan[diffusion]'"
            ) from error
        return getattr(diffusers, self.samplers[name])(**options)


def expanded(numbers: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1, 1)."""
    return numbers[:, None, None, None]


def times_of(scheduler: Any, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """The steps of a scheduler: its own timestep, and the time in [0, 1] for the denoiser."""
    count = scheduler.config.num_train_timesteps
    return [(step, step.to(device).float() / count) for step in scheduler.timesteps]
