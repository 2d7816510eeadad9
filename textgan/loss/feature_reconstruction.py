"""Reconstruction error in the discriminator's features."""

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.step import AdversarialStep


class FeatureReconstruction(Loss):
    """Mean squared difference of the discriminator's feature maps, each position at unit length.

    VAE/GAN (Larsen et al. 2016) computes the likelihood in the discriminator's features. The
    normalisation is that of LPIPS (Zhang et al. 2018): without it the weight of the term would grow
    with the scale of the features. The term is not computed before the discriminator starts.

    Args:
        weight: schedule of its weight in the generator's loss.
    """

    needs = ("posterior", "discriminator")

    def __init__(self, *, weight: Schedule = 1.0):
        super().__init__(generator_weight=weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        if step.real_output is None:
            return None
        ours = step.discriminator.features(step.reconstruction)
        with torch.no_grad():
            theirs = step.discriminator.features(step.real)
        return map_distance(ours, theirs)


def map_distance(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Mean over maps (B, C_i, H_i, W_i) of the mean squared distance at a position.

    Each position is normalised to unit length over its channels; the distance lies in [0, 4].
    """
    distances = [
        (F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean()
        for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(distances).mean()
