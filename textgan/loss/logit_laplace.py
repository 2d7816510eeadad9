"""The likelihood of pixels of DALL-E 1's autoencoder."""

import math

from torch import Tensor

from textgan.layer import to_logits
from textgan.loss.base import Loss, at_least_float32
from textgan.schedule import Schedule
from textgan.step import AdversarialStep


class LogitLaplaceLikelihood(Loss):
    """Negative log likelihood of the pixels, whose logits have a Laplace distribution.

    -log p(x) = log 2b + log(x (1 - x)) + |logit x - mean| / b for x in (0, 1), a mean over channels
    and pixels, in nats (DALL-E 1, Ramesh et al. 2021, appendix A.3). Unlike a squared error it
    takes the range of pixels into account, and learns how exact each of them can be.

    Args:
        weight: schedule of its weight.
    """

    needs = ("posterior", "distribution")

    def __init__(self, *, weight: Schedule = 1.0):
        super().__init__(generator_weight=weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        if step.pixels is None:
            raise ValueError(
                "logit_laplace needs an autoencoder with model.autoencoder.logit_laplace=true"
            )
        mean, log_scale = (at_least_float32(t) for t in (step.pixels.mean, step.pixels.log_scale))
        logits = to_logits(step.real)
        x = logits.sigmoid()
        distance = (logits - mean).abs() * (-log_scale).exp()
        return (math.log(2) + log_scale + (x * (1 - x)).log() + distance).mean()
