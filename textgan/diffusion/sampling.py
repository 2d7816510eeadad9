"""Drawing samples with a denoiser, and the way back from a sample to its noise."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from textgan.diffusion.base import Diffusion, times_of

Predict = Callable[[Tensor, Tensor], Tensor]
"""Noisy samples (B, C, H, W) float32 and times (B,) -> the denoiser's prediction, float32."""
OnStep = Callable[[Tensor, Tensor, Tensor], None]
"""Called in each step with the prediction, the noisy samples and the times that it is for."""


@torch.no_grad()
def sampled(
    diffusion: Diffusion,
    predict: Predict,
    noise: Tensor,
    *,
    steps: int,
    sampler: str | None = None,
    start: Tensor | None = None,
    strength: float = 1.0,
    redrawn: Tensor | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Draw B samples from noise -> (B, C, H, W) float32.

    Args:
        diffusion: that the denoiser was trained with.
        predict: the denoiser, with its text and guidance.
        noise: (B, C, H, W), standard normal, float32.
        steps: of the scheduler.
        sampler: its name; by default that of the diffusion.
        start: (B, C, H, W), clean samples from which to start, with noise; None is noise alone.
        strength: share of the steps that is done from there, in (0, 1].
        redrawn: (1 or B, 1, H, W) bool, the positions that are drawn, with strength 1 from noise
            alone; the others follow `start`. None draws all.
        on_step: called in each step.

    Raises:
        ValueError: `strength` is out of range, there is no such sampler, or `strength` or `redrawn`
            is given without `start`.
    """
    if start is None and (strength != 1 or redrawn is not None):
        raise ValueError("strength and redrawn must be left out without start")
    scheduler = diffusion.scheduler(steps, sampler)
    times = times_of(scheduler, noise.device)
    x = noise * getattr(scheduler, "init_noise_sigma", 1.0)
    if start is not None:
        # Heun has two entries for each step but the last.
        begin = _skipped(steps, strength) * scheduler.order
        scheduler.set_begin_index(begin)
        times = times[begin:]
        # The first time may leave a rest of the samples, which `redrawn` starts without.
        if begin or redrawn is None:
            x = _noisy(scheduler, start, noise, times[0][0])

    def keep(x: Tensor, following: Tensor | None) -> Tensor:
        if redrawn is None:
            return x
        known = start if following is None else _noisy(scheduler, start, noise, following)
        return torch.where(redrawn, x, known)

    x = keep(x, times[0][0])
    return _stepped(scheduler, times, predict, x, keep=keep, on_step=on_step)


@torch.no_grad()
def inverted(
    diffusion: Diffusion,
    predict: Predict,
    samples: Tensor,
    *,
    steps: int,
    strength: float = 1.0,
    iterations: int = 3,
) -> Tensor:
    """The noisy samples from which `resumed` draws B samples again -> (B, C, H, W) float32.

    The steps of the sampler "euler" (DDIM, Song et al. 2021, for a Gaussian diffusion) are solved
    backwards. A step needs the prediction for its unknown start, which is found by fixed-point
    iterations (Pan et al. 2023).

    Args:
        diffusion: that the denoiser was trained with.
        predict: the denoiser, with its text.
        samples: (B, C, H, W), clean, float32.
        steps: of the sampler, at least 2: a single step leads from all noise to nearly the same
            samples, so that it has no inverse.
        strength: share of the steps that is inverted, in (0, 1].
        iterations: of a step; 1 is plain DDIM inversion.

    Raises:
        ValueError: `steps` or `strength` is out of range.
    """
    if steps < 2:
        raise ValueError(
            "the number of steps must be at least 2 to find the noise of an image, because a "
            f"single step leads from all noise to nearly the same image, got {steps}"
        )
    scheduler = diffusion.scheduler(steps, "euler")
    times = [time for _, time in times_of(scheduler, samples.device)[_skipped(steps, strength) :]]
    x, time = samples, torch.zeros((), device=samples.device)
    for noisier in reversed(times):
        found = x
        for _ in range(iterations):
            seen = noisier.expand(len(x))
            velocity = diffusion.velocity(predict(found, seen), found, seen)
            found = diffusion.before(x, velocity, time.expand(len(x)), seen)
        x, time = found, noisier
    return x


@torch.no_grad()
def resumed(
    diffusion: Diffusion,
    predict: Predict,
    noisy: Tensor,
    *,
    steps: int,
    strength: float = 1.0,
    on_step: OnStep | None = None,
) -> Tensor:
    """Draw samples from what `inverted` returned for the same steps and strength.

    Returns (B, C, H, W) float32. The sampler is "euler".
    """
    scheduler = diffusion.scheduler(steps, "euler")
    begin = _skipped(steps, strength)
    scheduler.set_begin_index(begin)
    times = times_of(scheduler, noisy.device)[begin:]
    x = diffusion.scaled(noisy, times[0][1].expand(len(noisy)))
    return _stepped(scheduler, times, predict, x, on_step=on_step)


def guided(with_text: Tensor, without: Tensor, *, scale: float, rescale: float = 0.0) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022): predictions (B, C, H, W) -> the same shape.

    Args:
        with_text: c, the predictions for the captions.
        without: u, those for the empty or negative captions.
        scale: s in u + s (c - u).
        rescale: how much of the contrast that guidance adds is taken back (Lin et al. 2024), in
            [0, 1].
    """
    found = without + scale * (with_text - without)
    if not rescale:
        return found
    contrast = [p.flatten(1).std(1)[:, None, None, None] for p in (with_text, found)]
    ratio = contrast[0] / contrast[1].clamp(min=1e-6)
    return found * (rescale * ratio + 1 - rescale)


def _skipped(steps: int, strength: float) -> int:
    """The number of the first steps that a strength leaves out."""
    if not 0 < strength <= 1:
        raise ValueError(f"strength must be in (0, 1], got {strength}")
    return steps - max(1, round(steps * strength))


def _stepped(
    scheduler: Any,
    times: list[tuple[Tensor, Tensor]],
    predict: Predict,
    x: Tensor,
    *,
    keep: Callable[[Tensor, Tensor | None], Tensor] | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Do the steps of a scheduler.

    `keep` replaces the positions that are not drawn; it gets the samples and the following step.
    """
    following = [step for step, _ in times[1:]] + [None]
    for (step, time), after in zip(times, following, strict=True):
        scales = hasattr(scheduler, "scale_model_input")
        seen = scheduler.scale_model_input(x, step) if scales else x
        each = time.expand(len(seen))
        prediction = predict(seen, each)
        if on_step is not None:
            on_step(prediction, seen, each)
        x = scheduler.step(prediction, step, x, return_dict=False)[0]
        if keep is not None:
            x = keep(x, after)
    return x


def _noisy(scheduler: Any, samples: Tensor, noise: Tensor, step: Tensor) -> Tensor:
    """Samples with the noise of a scheduler's timestep."""
    steps = step[None].expand(len(samples))
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(samples, steps, noise)
    return scheduler.add_noise(samples, noise, steps)
