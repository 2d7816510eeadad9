"""The contrastive loss of CLIP."""

from torch import Tensor

from textgan.layer import Temperature
from textgan.loss.base import ContrastiveLoss, cosines, symmetric_cross_entropy
from textgan.schedule import Schedule
from textgan.step import ContrastiveStep


class InfoNCE(ContrastiveLoss):
    """Symmetric InfoNCE between pooled features (CLIP, Radford et al. 2021), over the global batch.

    Cosine similarities over a learned temperature; cross-entropy of each image over the texts and
    of each text over the images. Equal captions are not negatives of each other. Hard negatives of
    the data, one for each image, are added to the texts (NegCLIP, Yuksekgonul et al. 2023): without
    them the encoders learn a bag of words.

    Args:
        weight: schedule of its weight.
        temperature: initial value; it is kept within [0.01, 1].
    """

    def __init__(self, *, weight: Schedule = 1.0, temperature: float = 0.1):
        super().__init__(weight=weight)
        self.temperature = Temperature(temperature)

    def forward(self, step: ContrastiveStep) -> Tensor:
        images, texts, wrong = step.all_pooled()
        return symmetric_cross_entropy(cosines(images, texts) / self.temperature(), wrong)
