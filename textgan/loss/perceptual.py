"""Reconstruction error in a frozen image encoder's features."""

import torch
from torch import Tensor

from textgan.image_encoder.base import ImageEncoder
from textgan.loss.base import Loss
from textgan.loss.feature_reconstruction import map_distance
from textgan.pretrained.frozen import Frozen
from textgan.schedule import Schedule
from textgan.step import AdversarialStep


class Perceptual(Loss):
    """Mean squared difference of an image encoder's maps, each position at unit length.

    The perceptual loss of Johnson et al. 2016, normalised as LPIPS (Zhang et al. 2018). Unlike
    `FeatureReconstruction` it needs no discriminator, and is computed from the first step on.

    Args:
        image_encoder: computes the maps; it is never trained.
        weight: schedule of its weight in the generator's loss.
    """

    needs = ("posterior",)

    def __init__(self, *, image_encoder: ImageEncoder, weight: Schedule = 1.0):
        super().__init__(generator_weight=weight)
        self.image_encoder = Frozen(image_encoder)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        ours = self.image_encoder(step.reconstruction).maps
        with torch.no_grad():
            theirs = self.image_encoder(step.real).maps
        return map_distance(ours, theirs)
