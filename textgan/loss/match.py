"""A contrastive term on the discriminator's features."""

from torch import Tensor

from textgan.layer import Temperature
from textgan.loss.base import Loss, cosines, symmetric_cross_entropy
from textgan.schedule import Schedule
from textgan.step import AdversarialStep
from textgan.types import DiscriminatorOutput


class Match(Loss):
    """Symmetric InfoNCE between the discriminator's image and text features, over the global batch.

    The discriminator is trained with it on real images, the generator on generated ones, as in
    XMC-GAN (Zhang et al. 2021). Images with equal captions are not negatives of each other, and an
    image whose caption was dropped has no negatives. The temperature is trained with the
    discriminator and kept within [0.01, 1].

    Args:
        generator_weight, discriminator_weight: schedules of the weights in the two losses.
        temperature: initial value.
    """

    needs = ("discriminator", "text_encoder")

    def __init__(
        self,
        *,
        generator_weight: Schedule = 1.0,
        discriminator_weight: Schedule = 1.0,
        temperature: float = 0.1,
    ):
        super().__init__(
            generator_weight=generator_weight, discriminator_weight=discriminator_weight
        )
        self.temperature = Temperature(temperature)

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        return None if step.fake_output is None else self._contrast(step, step.fake_output)

    def discriminator_loss(self, step: AdversarialStep) -> Tensor:
        return self._contrast(step, step.real_output)

    def _contrast(self, step: AdversarialStep, output: DiscriminatorOutput) -> Tensor:
        pooled, text = step.gather(output.pooled), step.gather(output.text)
        similarity = cosines(pooled, text) / self.temperature()  # (N, N)
        return symmetric_cross_entropy(similarity, step.wrong_captions())
