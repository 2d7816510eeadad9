"""The non-saturating objective."""

import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.step import AdversarialStep


class NonSaturating(Loss):
    """L_D = E softplus(-D(x_r)) + E softplus(D(x_f)), L_G = E softplus(-D(x_f)).

    Goodfellow et al. 2014.
    """

    needs = ("discriminator",)
    adversarial = True

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        return None if step.fake_output is None else F.softplus(-step.fake_output.logits).mean()

    def discriminator_loss(self, step: AdversarialStep) -> Tensor:
        return (
            F.softplus(-step.real_output.logits).mean() + F.softplus(step.fake_output.logits).mean()
        )
