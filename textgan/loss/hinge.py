"""The hinge objective."""

import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.step import AdversarialStep


class Hinge(Loss):
    """L_D = E max(0, 1 - D(x_r)) + E max(0, 1 + D(x_f)), L_G = -E D(x_f).

    Lim & Ye 2017; SAGAN (Zhang et al. 2019).
    """

    needs = ("discriminator",)
    adversarial = True

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        return None if step.fake_output is None else -step.fake_output.logits.mean()

    def discriminator_loss(self, step: AdversarialStep) -> Tensor:
        return (
            F.relu(1 - step.real_output.logits).mean() + F.relu(1 + step.fake_output.logits).mean()
        )
