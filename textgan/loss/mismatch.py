"""Real images with wrong captions as negatives of the discriminator."""

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.loss.base import Loss
from textgan.schedule import Schedule
from textgan.step import AdversarialStep
from textgan.types import TextFeatures


class Mismatch(Loss):
    """E softplus(-(D(x, s) - D(x, s'))): a real image must score higher with its own caption.

    The matching-aware discriminator of Reed et al. 2016, in relativistic form. s' is the next
    caption in the global batch that differs from s: unlike in a batch rolled by one, an equal or an
    empty caption is never a negative. Images without such a caption, and those whose caption was
    dropped, are left out. Where the data has a hard negative for each image (`negatives` of
    `Shapes`: one word changed, or two objects exchanged), a second term of the same form uses it,
    since the colours alone often distinguish two arbitrary captions.

    Args:
        weight: schedule of its weight in the discriminator's loss.
    """

    needs = ("discriminator", "text_encoder")

    def __init__(self, *, weight: Schedule = 0.5):
        super().__init__(discriminator_weight=weight)

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        size = len(step.captions)
        all_wrong = step.wrong_captions()  # (N, N)
        wrong = all_wrong[step.rank * size : (step.rank + 1) * size]  # (B, N)
        other, found = next_wrong(wrong, first=step.rank * size), wrong.any(1)
        # Of the global batch, so that the mean over processes is the mean over images.
        count = all_wrong.any(1).sum().clamp(min=1) * size / len(all_wrong)
        text = step.text.each(step.gather)[other]
        loss = (_margins(step, text) * found).sum() / count
        if step.wrong_text is None:
            return loss
        return loss + _margins(step, step.wrong_text).mean()


def _margins(step: AdversarialStep, wrong: TextFeatures) -> Tensor:
    """(B,): loss of each real image, small where its own caption scores higher than the wrong.

    The mean over the logits that depend on the text.
    """
    other = step.discriminator.score(step.real_output.features, wrong)
    return F.softplus(other.matching() - step.real_output.matching()).mean(1)


def next_wrong(wrong: Tensor, *, first: int) -> Tensor:
    """For each image the next position, cyclically, whose caption is wrong; its own if none is.

    With the captions "red", "red", "blue", "green" of a global batch of 4 images, the first process
    has images 0 and 1 (`first` 0) and `wrong` is [[0, 0, 1, 1], [0, 0, 1, 1]]: both get position 2,
    "blue". The second process has images 2 and 3 (`first` 2) and [[1, 1, 0, 1], [1, 1, 1, 0]]:
    image 2 gets position 3, "green", and image 3 gets position 0, "red".

    Args:
        wrong: (B, N) bool.
        first: position of the first of the B images among the N.

    Returns:
        (B,) int64.
    """
    size = wrong.shape[1]
    own = first + torch.arange(len(wrong), device=wrong.device)[:, None]
    positions = (own + torch.arange(size, device=wrong.device)) % size  # (B, N)
    return positions.gather(1, wrong.gather(1, positions).int().argmax(1, keepdim=True)).squeeze(1)
