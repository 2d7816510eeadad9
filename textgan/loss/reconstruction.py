"""The pixel part of a conditional VAE-GAN."""

from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule, check_schedule, value_at
from textgan.step import AdversarialStep


class Reconstruction(Loss):
    """root * ||x' - x||_2 + absolute * |x' - x|, each a mean over pixels.

    x' is the picture drawn from its own z.

    The first is the root of each picture's mean squared error, averaged over the batch. Its pull
    does not depend on how large the error is, so a small object counts as much as a large one, and
    the KL term weighs less and less against it as pictures become exact: what a learned variance
    does (Rybkin et al. 2021, Simple and effective VAE training with calibrated decoders), at a
    slower pace. So early the text must explain what it can, and later z is free to be precise.

    The absolute error makes crisp pictures, but from scratch it is a trap: while z does not yet say
    where a small object is, the least absolute error leaves the object out, and nothing pulls it
    in. Where it is used, let it grow after the first pictures.

    Args:
        root: schedule of the root's weight.
        absolute: schedule of the absolute error's weight.
    """

    needs = ("posterior",)

    def __init__(self, *, root: Schedule = 1.0, absolute: Schedule = 0.0):
        super().__init__()
        self.root = check_schedule("root", root)
        self.absolute = check_schedule("absolute", absolute)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        root, absolute = (value_at(each, step.progress) for each in (self.root, self.absolute))
        error = step.reconstruction - step.real
        # A root has no slope at 0: 1e-4 is an error of 1 of 255.
        roots = (error.square().flatten(1).mean(1) + 1e-4).sqrt() - 1e-2  # (B,)
        return root * roots.mean() + absolute * error.abs().mean()
