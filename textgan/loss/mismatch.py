"""A real picture with a wrong caption is a negative too."""

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.step import AdversarialStep
from textgan.types import TextFeatures


class Mismatch(Loss):
    """E softplus(-(D(x, s) - D(x, s'))): a real picture's own caption must beat a wrong one.

    The matching-aware critic of Reed et al. 2016, in relativistic form. s' is the next caption in
    the global batch that differs from s: unlike a batch rolled by one, an equal caption is never a
    negative, and neither is an empty one. Pictures for which there is none, and those whose caption
    was dropped, are left out. Where the data brings a wrong caption for each picture (`negatives`
    of `Shapes`: one word changed, or two objects' places), a second such term asks for it: telling
    two arbitrary captions apart takes no more than a colour.

    Args:
        weight: schedule of its weight in the critic's loss.
    """

    needs = ("discriminator",)

    def __init__(self, *, weight: Schedule = 0.5):
        super().__init__(discriminator_weight=weight)

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        size = len(step.captions)
        all_wrong = step.wrong_captions()  # (N, N)
        wrong = all_wrong[step.rank * size : (step.rank + 1) * size]  # (B, N)
        other, found = next_wrong(wrong, first=step.rank * size), wrong.any(1)
        # Of the global batch, so that the mean over processes is the mean over pictures.
        count = all_wrong.any(1).sum().clamp(min=1) * size / len(all_wrong)
        text = TextFeatures(
            *(step.gather(t) for t in (step.text.words, step.text.mask, step.text.pooled))
        )
        loss = (_margins(step, text[other]) * found).sum() / count
        if step.wrong_text is None:
            return loss
        return loss + _margins(step, step.wrong_text).mean()


def _margins(step: AdversarialStep, wrong: TextFeatures) -> Tensor:
    """(B,): by how much each real picture's own caption fails to beat the wrong one."""
    logits = step.discriminator.score(step.real_output.features, wrong).logits[:, :1]
    return F.softplus(logits - step.real_output.logits[:, :1]).squeeze(1)


def next_wrong(wrong: Tensor, *, first: int) -> Tensor:
    """For each picture the next place, cyclically, whose caption is wrong; its own if none is.

    Args:
        wrong: (B, N) bool.
        first: the place of the first picture among the N.

    Returns:
        (B,) int64.
    """
    size = wrong.shape[1]
    own = first + torch.arange(len(wrong), device=wrong.device)[:, None]
    places = (own + torch.arange(size, device=wrong.device)) % size  # (B, N)
    return places.gather(1, wrong.gather(1, places).int().argmax(1, keepdim=True)).squeeze(1)
