"""The contrast of CLIP."""

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.layer import Temperature
from textgan.loss.base import ContrastiveLoss, at_least_float32, symmetric_cross_entropy
from textgan.schedule import Schedule
from textgan.step import ContrastiveStep


class InfoNCE(ContrastiveLoss):
    """Symmetric InfoNCE between pooled features (CLIP, Radford et al. 2021), over the global batch.

    Cosine similarities over a learned temperature; cross-entropy of each picture over the texts and
    of each text over the pictures. Equal captions are no negatives of each other. Where the data
    brings a nearly right caption for each picture, all of them stand among the texts (NegCLIP,
    Yuksekgonul et al. 2023): without them a contrast is content with a bag of words.

    Args:
        weight: schedule of its weight.
        temperature: its value at the start; it is kept within [0.01, 1].
    """

    def __init__(self, *, weight: Schedule = 1.0, temperature: float = 0.1):
        super().__init__(weight=weight)
        self.temperature = Temperature(temperature)

    def forward(self, step: ContrastiveStep) -> Tensor:
        images, (texts, wrong) = step.all_images().pooled, step.all_texts()
        # A half precision's error of 0.004 in a cosine is 0.4 at a temperature of 0.01.
        with torch.autocast(images.device.type, enabled=False):
            images = F.normalize(at_least_float32(images), dim=1)  # (N, D)
            pooled = F.normalize(at_least_float32(texts.pooled), dim=1)  # (M, D)
            similarity = images @ pooled.T / self.temperature()  # (N, M)
        return symmetric_cross_entropy(similarity, wrong)
