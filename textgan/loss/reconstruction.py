"""The pixel part of a conditional VAE-GAN."""

import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule, check_schedule, value_at
from textgan.types import AdversarialStep


class Reconstruction(Loss):
    """squared * (x' - x)^2 + absolute * |x' - x|, averaged over pixels.

    x' is the picture drawn from its own z.

    The absolute error makes crisp pictures, but from scratch it is a trap: while z does not yet say
        where a small object is, the
    least absolute error leaves the object out, and nothing pulls it in. So let it grow after the
    squared error has found the objects.

    Args:
        squared: schedule of the squared error's weight.
        absolute: schedule of the absolute error's weight.
    """

    needs = ("posterior",)

    def __init__(self, *, squared: Schedule = 1.0, absolute: Schedule = 1.0):
        super().__init__()
        self.squared = check_schedule("squared", squared)
        self.absolute = check_schedule("absolute", absolute)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        squared = value_at(self.squared, step.progress) * F.mse_loss(step.reconstruction, step.real)
        return squared + value_at(self.absolute, step.progress) * F.l1_loss(
            step.reconstruction, step.real
        )
