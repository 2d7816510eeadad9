"""A contrastive loss without a softmax: one binary classification for each pair."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer import Temperature
from textgan.loss.base import ContrastiveLoss, cosines
from textgan.schedule import Schedule
from textgan.seed import stable_hash
from textgan.step import ContrastiveStep


class SigLIP(ContrastiveLoss):
    """Pairwise sigmoid loss between pooled features (Zhai et al. 2023), over the global batch.

    -1/N sum_ij log sigmoid(z_ij (t x_i . y_j + b)) over N images and all texts (section 3.2): x and
    y of length 1, z = 1 for an image and its own caption, -1 for a caption that is wrong for it.
    The scale t and the bias b are learned. Two departures: a pair that is neither, such as an equal
    or an empty caption, is left out; and hard negatives of the data are added to the texts.

    Args:
        weight: schedule of its weight.
        temperature: initial 1 / t; it is kept within [0.01, 1].
        bias: initial b; a negative one, since nearly all pairs are negatives.
    """

    def __init__(self, *, weight: Schedule = 1.0, temperature: float = 0.1, bias: float = -10.0):
        super().__init__(weight=weight)
        self.temperature = Temperature(temperature)
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def forward(self, step: ContrastiveStep) -> Tensor:
        images, texts, wrong = step.all_pooled()
        own = torch.diag(step.caption_ids() != stable_hash(""))  # (N, N)
        own = F.pad(own, (0, wrong.shape[1] - len(own)))  # (N, M)
        logits = cosines(images, texts) / self.temperature() + self.bias  # (N, M)
        losses = own * F.softplus(-logits) + wrong * F.softplus(logits)
        return losses.sum() / len(losses)
