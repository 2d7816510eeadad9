"""A term of the adversarial game."""

import torch
from torch import Tensor, nn

from textgan.schedule import Schedule, check_schedule
from textgan.types import AdversarialStep


class Loss(nn.Module):
    """Base of every term: a `generator_loss`, a `discriminator_loss` or both, unweighted scalars.

    The model asks only for the methods that a subclass overrides, and multiplies what they return
    by the weights.

    Attributes:
        needs: parts of the model without which the term cannot be computed, such as ("posterior",).
        adversarial: whether its critic's loss compares real pictures with fakes; a critic needs one
            such term.

    Args:
        generator_weight: schedule of the weight in the generator's loss.
        discriminator_weight: schedule of the weight in the critic's loss.
    """

    needs: tuple[str, ...] = ()
    adversarial: bool = False

    def __init__(self, *, generator_weight: Schedule = 1.0, discriminator_weight: Schedule = 1.0):
        super().__init__()
        self.generator_weight = check_schedule("generator_weight", generator_weight)
        self.discriminator_weight = check_schedule("discriminator_weight", discriminator_weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        """What the generator minimises; None in a step that this term sits out."""

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        """What the critic minimises; None in a step that this term sits out."""


def at_least_float32(tensor: Tensor) -> Tensor:
    """Half precisions become float32; float32 and float64 stay."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
