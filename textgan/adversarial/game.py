"""The two turns of an adversarial step: the discriminator's loss and the generator's."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.discriminator.base import Discriminator
from textgan.step import AdversarialStep
from textgan.training.manual import frozen
from textgan.training.terms import weighted_sum


class AdversarialGame:
    """A discriminator and weighted loss terms; it needs no Trainer and owns no optimizer.

    The caller generates `step.fake` (and `step.reconstruction`), and steps the optimizers with the
    losses. The text may be None (an unconditional discriminator).

    Args:
        losses: name -> term.
        discriminator: scores real and generated images; None leaves only the generator's turn.
        augmentation: transforms what the discriminator is given, or None.
    """

    def __init__(
        self,
        losses: nn.ModuleDict,
        *,
        discriminator: Discriminator | None,
        augmentation: Augmentation | None = None,
    ):
        self.losses, self.discriminator = losses, discriminator
        self.augmentation = augmentation

    def discriminator_loss(self, step: AdversarialStep, log: dict[str, Any]) -> Tensor:
        """The weighted sum of the discriminator's terms, detached from the generator.

        Args:
            step: with what was generated.
            log: takes each term's value as `train/discriminator/<term>`, and the mean logits of
                real images and fakes as `train/logits/real` and `train/logits/fake`.
        """
        step = replace(
            step,
            text=None if step.text is None else step.text.detach(),
            fake=step.fake.detach(),
            **dict.fromkeys(("reconstruction", "posterior", "prior", "second_fake")),
        )
        step = self._scored(step, real_gradient=True)
        for name, output in (("real", step.real_output), ("fake", step.fake_output)):
            log[f"train/logits/{name}"] = output.logits.detach().mean()
        return weighted_sum("discriminator", self.losses, step, log)

    def generator_loss(
        self, step: AdversarialStep, log: dict[str, Any], *, score: bool = True
    ) -> Tensor:
        """The weighted sum of the generator's terms. Call it within `frozen_discriminator`.

        Args:
            step: with what was generated.
            log: takes each term's value as `train/generator/<term>`.
            score: whether the discriminator takes part yet.
        """
        if score and self.discriminator is not None:
            step = self._scored(step, real_gradient=False)
        return weighted_sum("generator", self.losses, step, log)

    def frozen_discriminator(self) -> Any:
        """A context in which the discriminator and the terms get no gradients, but pass them on."""
        return frozen([*([self.discriminator] if self.discriminator else []), self.losses])

    def _scored(self, step: AdversarialStep, *, real_gradient: bool) -> AdversarialStep:
        """The step with the discriminator's scores of both images under one augmentation.

        The text is detached: the discriminator does not train the text encoder.
        """
        pair = (step.real, step.fake)
        real, fake = pair if self.augmentation is None else self.augmentation(pair)
        text = None if step.text is None else step.text.detach()
        with torch.set_grad_enabled(real_gradient):
            real_output = self.discriminator(real, text, step.noise_level)
        fake_output = self.discriminator(fake, text, step.noise_level)
        return replace(
            step,
            discriminator=self.discriminator,
            augmented_real=real,
            augmented_fake=fake,
            real_output=real_output,
            fake_output=fake_output,
        )
