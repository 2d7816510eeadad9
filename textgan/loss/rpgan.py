"""The relativistic pairing objective."""

import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.step import AdversarialStep


class RpGAN(Loss):
    """L_D = E softplus(-(D(x_r) - D(x_f))), L_G the same with the roles exchanged.

    Real and fake have the same caption. Jolicoeur-Martineau 2019; R3GAN (Huang et al. 2024). The
    difference does not depend on a common offset of the logits, so the discriminator's loss also
    penalises it: centring * E (D(x_r) + D(x_f))^2 (Adversarial Flow Models, Lin et al. 2025).

    Args:
        generator_weight, discriminator_weight: schedules of the weights in the two losses.
        centring: weight of the offset's penalty within the discriminator's loss.
    """

    needs = ("discriminator",)
    adversarial = True

    def __init__(
        self,
        *,
        generator_weight: Schedule = 1.0,
        discriminator_weight: Schedule = 1.0,
        centring: float = 0.01,
    ):
        super().__init__(
            generator_weight=generator_weight, discriminator_weight=discriminator_weight
        )
        self.centring = centring

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        if step.fake_output is None:
            return None
        return F.softplus(step.real_output.logits - step.fake_output.logits).mean()

    def discriminator_loss(self, step: AdversarialStep) -> Tensor:
        real, fake = step.real_output.logits, step.fake_output.logits
        return F.softplus(fake - real).mean() + self.centring * (real + fake).square().mean()
