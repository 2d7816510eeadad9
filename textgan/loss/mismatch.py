"""A real picture with a wrong caption is a negative too."""

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.types import AdversarialStep, TextFeatures


class Mismatch(Loss):
    """E softplus(-(D(x, s) - D(x, s'))): a real picture's own caption must beat a wrong one.

    The matching-aware critic of Reed et al. 2016, in relativistic form. s' is the next caption in
    the global batch that differs from s: unlike a batch rolled by one, an equal caption is never a
    negative. Pictures for which there is none are left out. Where the data brings a wrong caption
    for each picture (`negatives` of `Shapes`: one word changed, or two objects' places), a second
    such term asks for it: telling two arbitrary captions apart takes no more than a colour.

    Args:
        weight: schedule of its weight in the critic's loss.
    """

    needs = ("discriminator",)

    def __init__(self, *, weight: Schedule = 0.5):
        super().__init__(discriminator_weight=weight)

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        ids, size = step.caption_ids(), len(step.captions)
        own = slice(step.rank * size, (step.rank + 1) * size)
        other = next_different(ids)[own]
        found = ids[own] != ids[other]
        text = TextFeatures(
            *(step.gather(t) for t in (step.text.words, step.text.mask, step.text.pooled))
        )
        loss = (_margins(step, text[other]) * found).sum() / found.sum().clamp(min=1)
        if step.wrong_text is None:
            return loss
        return loss + _margins(step, step.wrong_text).mean()


def _margins(step: AdversarialStep, wrong: TextFeatures) -> Tensor:
    """(B,): by how much each real picture's own caption fails to beat the wrong one."""
    logits = step.discriminator.judge(step.real_output.features, wrong).logits[:, :1]
    return F.softplus(logits - step.real_output.logits[:, :1]).squeeze(1)


def next_different(ids: Tensor) -> Tensor:
    """For each place the next one, cyclically, whose id differs; itself where all are equal.

    (N,) int64 -> (N,) int64.
    """
    size = len(ids)
    places = (
        torch.arange(size, device=ids.device)[:, None] + torch.arange(size, device=ids.device)
    ) % size
    differs = ids[places] != ids[:, None]  # (N, N), column k: k places further
    return places.gather(1, differs.int().argmax(1, keepdim=True)).squeeze(1)
