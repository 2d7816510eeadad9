"""Gradient penalties on real and fake images."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from textgan.loss.base import Loss, at_least_float32
from textgan.step import AdversarialStep
from textgan.types import TextFeatures


class R1R2(Loss):
    """R1 = gamma / 2 E ||grad_x D(x)||^2 on real images, R2 the same on fakes, over pixels.

    Mescheder et al. 2018; R3GAN (Huang et al. 2024). D is the mean of the logits. "exact"
    differentiates twice, over the whole batch. "finite_difference" is gamma / (2 epsilon^2) E (D(x
    + epsilon n) - D(x))^2 with n ~ N(0, I), over every fourth image (Adversarial Flow Models, Lin
    et al. 2025; theirs lacks the 1/2): its expectation is that of the exact term, to first order in
    epsilon, at a fraction of the cost. Both are computed at least in float32, whatever the
    precision of the training.

    Args:
        gamma: strength.
        method: "finite_difference" or "exact".
        epsilon: length of the finite step, in units of the image range [-1, 1].
        interval: steps between two computations of the term, which is multiplied by it (lazy
            regularisation, StyleGAN2, Karras et al. 2020).
        fakes: whether fakes are penalised too (R2).
    """

    needs = ("discriminator",)

    def __init__(
        self,
        *,
        gamma: float = 1.0,
        method: Literal["finite_difference", "exact"] = "finite_difference",
        epsilon: float = 0.01,
        interval: int = 4,
        fakes: bool = True,
    ):
        super().__init__()
        if gamma < 0 or epsilon <= 0 or interval < 1:
            raise ValueError(
                "gamma must be >= 0, epsilon > 0 and interval >= 1, "
                f"got {gamma}, {epsilon} and {interval}"
            )
        self.gamma, self.method, self.epsilon = gamma, method, epsilon
        self.interval, self.fakes = interval, fakes

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        if step.step_index % self.interval:
            return None
        sides = [step.augmented_real, step.augmented_fake] if self.fakes else [step.augmented_real]
        penalty = self._exact if self.method == "exact" else self._finite_difference
        with torch.autocast(step.real.device.type, enabled=False):
            text = None if step.text is None else _in_float32(step.text)
            penalties = [penalty(step, at_least_float32(images.detach()), text) for images in sides]
        return 0.5 * self.gamma * self.interval * torch.stack(penalties).sum()

    def _exact(self, step: AdversarialStep, images: Tensor, text: TextFeatures | None) -> Tensor:
        # The double backward is 5 times slower in channels_last.
        images = images.contiguous().requires_grad_()
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels cannot be differentiated twice
            logits = step.discriminator(images, text, step.noise_level).logits
            (gradient,) = torch.autograd.grad(logits.mean(1).sum(), images, create_graph=True)
        return gradient.flatten(1).square().sum(1).mean()

    def _finite_difference(
        self, step: AdversarialStep, images: Tensor, text: TextFeatures | None
    ) -> Tensor:
        noise = step.randn(tuple(images.shape))[::4].to(images.device)
        images, level = images[::4], step.noise_level
        both = None if text is None else TextFeatures.cat([text[::4]] * 2)
        level = None if level is None else level[::4].repeat(2)
        moved = torch.cat([images, images + self.epsilon * noise])
        here, there = step.discriminator(moved, both, level).logits.mean(1).chunk(2)
        return ((there - here) / self.epsilon).square().mean()


def _in_float32(text: TextFeatures) -> TextFeatures:
    return TextFeatures(at_least_float32(text.words), text.mask, at_least_float32(text.pooled))
