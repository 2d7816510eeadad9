"""Gaussian diffusion with a variance that is preserved, as DDPM has it."""

from functools import cache
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from textgan.diffusion.base import Diffusion, Noised, expanded

_TIMES = 1_000
_PREDICTIONS = {"epsilon": "epsilon", "velocity": "v_prediction", "sample": "sample"}
_LAST, _CAUTIOUS_LAST = 999, 950  # greatest times at which sampling starts


class GaussianDiffusion(Diffusion):
    """x_t = sqrt(A) x + sqrt(1 - A) n, with A of the cosine schedule (Nichol & Dhariwal 2021).

    Ho et al. 2020; the times are the thousand discrete ones of diffusers, each as often. Sampling
    starts at the last of them, where A is nearly 0. With the prediction "epsilon" or the sampler
    "heun" it starts at the 950th, because there an error would be divided by sqrt(A).

    Args:
        sampler: "euler" (the same as DDIM without chance, Song et al. 2021), "dpm_solver"
            (DPM-Solver++, Lu et al. 2022) or "heun" (two evaluations of the denoiser a step).
        prediction: what the denoiser predicts: the noise ("epsilon"), the velocity
            sqrt(A) n - sqrt(1 - A) x (Salimans & Ho 2022), or the "sample".
        min_snr: the greatest signal-to-noise ratio at which an error of the sample still counts
            more (min-SNR weights, Hang et al. 2023); None weighs errors of the prediction alike.

    Raises:
        ValueError: there is no such sampler or prediction, or a number is out of range.
    """

    samplers = {
        "euler": "EulerDiscreteScheduler",
        "dpm_solver": "DPMSolverMultistepScheduler",
        "heun": "HeunDiscreteScheduler",
    }

    def __init__(
        self,
        *,
        sampler: str = "dpm_solver",
        prediction: str = "velocity",
        min_snr: float | None = 5.0,
    ):
        super().__init__(sampler)
        if prediction not in _PREDICTIONS:
            known = ", ".join(_PREDICTIONS)
            raise ValueError(f"prediction must be one of {known}, got {prediction!r}")
        if min_snr is not None and not (isfinite(min_snr) and min_snr > 0):
            raise ValueError(f"min_snr must be positive or null, got {min_snr}")
        self.prediction, self.min_snr = prediction, min_snr

    def noised(self, samples: Tensor, noise: Tensor, random: Tensor) -> Noised:
        time = (torch.special.ndtr(random) * _TIMES).floor().clamp(max=_TIMES - 1) / _TIMES
        signal, a, s = _factors(time)
        target = {
            "epsilon": noise,
            "velocity": a * noise - s * samples,
            "sample": samples,
        }[self.prediction]
        weight = self._weight(signal / (1 - signal))
        return Noised(a * samples + s * noise, time, target, weight)

    def clean(self, prediction: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        _, a, s = _factors(time)
        if self.prediction == "epsilon":
            return (noisy - s * prediction) / a
        return a * noisy - s * prediction if self.prediction == "velocity" else prediction

    def velocity(self, prediction: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        if self.prediction == "velocity":
            return prediction
        _, a, s = _factors(time)
        return (a * noisy - self.clean(prediction, noisy, time)) / s

    def before(self, samples: Tensor, velocity: Tensor, time: Tensor, to: Tensor) -> Tensor:
        # With x_t = cos(angle) x + sin(angle) n, a step is a rotation towards the velocity.
        turn = expanded(_angle(to) - _angle(time))
        return (samples + turn.sin() * velocity) / turn.cos()

    def scaled(self, noisy: Tensor, time: Tensor) -> Tensor:
        return noisy / _factors(time)[1]

    def scheduler(self, steps: int, sampler: str | None = None) -> Any:
        name = self.sampler_named(sampler)
        scheduler = self._made(
            name,
            num_train_timesteps=_TIMES,
            beta_schedule="squaredcos_cap_v2",
            prediction_type=_PREDICTIONS[self.prediction],
        )
        is_cautious = self.prediction == "epsilon" or name == "heun"
        last = _CAUTIOUS_LAST if is_cautious else _LAST
        times = torch.linspace(last, last / steps, steps).round().int()
        scheduler.set_timesteps(timesteps=times.tolist())
        return scheduler

    def _weight(self, snr: Tensor) -> Tensor:
        """The weights of the errors of the prediction, for signal-to-noise ratios (B,)."""
        if self.min_snr is None:
            return torch.ones_like(snr)
        of_samples = snr.clamp(max=self.min_snr)
        return of_samples / {"epsilon": snr, "velocity": snr + 1, "sample": 1}[self.prediction]


def _factors(time: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Times (B,) -> A (B,), and the factors of sample and noise, (B, 1, 1, 1) each."""
    steps = (time * _TIMES).round().long().clamp(0, _TIMES - 1)
    signal = alphas_cumprod(time.device)[steps]
    return signal, expanded(signal.sqrt()), expanded((1 - signal).sqrt())


def _angle(time: Tensor) -> Tensor:
    """Times (B,) -> the angles whose cosines are the factors of the sample; 0 is without noise."""
    _, a, _ = _factors(time)
    return torch.where(time == 0, 0.0, torch.arccos(a.flatten().clamp(max=1)))


@cache
def alphas_cumprod(device: torch.device | str = "cpu") -> Tensor:
    """A of each of the thousand times -> (1000,) float32, as `squaredcos_cap_v2` of diffusers."""
    times = torch.arange(_TIMES + 1, dtype=torch.float64) / _TIMES
    bars = torch.cos((times + 0.008) / 1.008 * torch.pi / 2) ** 2
    betas = (1 - bars[1:] / bars[:-1]).clamp(max=0.999)
    return (1 - betas).cumprod(0).float().to(device)
