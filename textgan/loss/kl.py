"""The price of what the posterior says."""

from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.types import AdversarialStep


class KL(Loss):
    """KL(q(z | x, s) || N(0, I)) in nats, summed over z, averaged over the batch.

    Kingma & Welling 2014.

    Args:
        weight: schedule of beta, its weight in the generator's loss (which trains the posterior).
    """

    needs = ("posterior",)

    def __init__(self, *, weight: Schedule = 0.01):
        super().__init__(generator_weight=weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        mean, log_variance = step.posterior.mean, step.posterior.log_variance
        return (
            0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).sum(1).mean()
        )
