"""The KL divergence between posterior and prior."""

import torch
from torch import Tensor

from textgan.loss.base import Loss, at_least_float32
from textgan.schedule import Schedule
from textgan.step import AdversarialStep
from textgan.types import Gaussian


class KL(Loss):
    """KL(q(z | x, s) || p(z | s)) in nats, summed over z, averaged over the batch.

    Kingma & Welling 2014; with a prior that depends on the text, Sohn et al. 2015.

    Args:
        weight: schedule of beta, its weight in the generator's loss, which trains the posterior,
            the prior and the text encoder.
    """

    needs = ("posterior",)

    def __init__(self, *, weight: Schedule = 0.2):
        super().__init__(generator_weight=weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        # In half precision the difference of nearly equal numbers would be lost.
        with torch.autocast(step.real.device.type, enabled=False):
            posterior, prior = (
                Gaussian(at_least_float32(each.mean), at_least_float32(each.log_variance))
                for each in (step.posterior, step.prior)
            )
            distance = prior.standardise(posterior.mean).square()
            log_ratio = posterior.log_variance - prior.log_variance
            return 0.5 * (distance + log_ratio.exp() - 1 - log_ratio).flatten(1).sum(1).mean()
