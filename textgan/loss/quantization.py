"""The loss of an autoencoder's quantizer."""

from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.step import AdversarialStep


class Quantization(Loss):
    """The quantizer's own loss: the commitment of `vq`, or the KL of `gumbel`; 0 for `fsq`.

    The commitment keeps the encoder near the codes (van den Oord et al. 2017, weight 0.25). The KL
    keeps all codes in use; in DALL-E 1 (Ramesh et al. 2021) its weight rises from 0.

    Args:
        weight: schedule of its weight.
    """

    needs = ("quantizer",)

    def __init__(self, *, weight: Schedule = 0.25):
        super().__init__(generator_weight=weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        return step.quantized.loss
