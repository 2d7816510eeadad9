"""Pixel-wise reconstruction loss of a conditional VAE-GAN."""

from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule, check_schedule, value_at
from textgan.step import AdversarialStep


class Reconstruction(Loss):
    """root * ||x' - x||_2 + absolute * |x' - x|, each a mean over pixels.

    x' is the reconstruction of x, generated from the posterior's z.

    The first term is the root of each image's mean squared error, averaged over the batch. Its
    gradient does not shrink with the error, so a small object counts as much as a large one, and
    the KL term weighs less and less against it as the reconstructions become exact. A learned
    variance has the same effect (Rybkin et al. 2021, Simple and effective VAE training with
    calibrated decoders), but faster. So the text must explain as much as it can early in training,
    and z can add detail later.

    The absolute error makes sharp images, but it must not be used from the first step on: while z
    does not yet encode the position of a small object, an image without the object has the least
    absolute error, and no gradient adds it. Let its weight grow after the first images.

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
        # The root has no derivative at 0; 1e-4 is the square of about 1 of 255 grey levels.
        roots = (error.square().flatten(1).mean(1) + 1e-4).sqrt() - 1e-2  # (B,)
        return root * roots.mean() + absolute * error.abs().mean()
