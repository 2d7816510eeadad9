"""A contrastive loss that enlarges the squared gap between right and wrong pairs."""

from torch import Tensor

from textgan.loss.base import ContrastiveLoss, cosines
from textgan.step import ContrastiveStep


class SquaredGap(ContrastiveLoss):
    """-(sim(c, p) - sim(c, n))^2: c with what belongs to it, p, and with what does not, n.

    sim is the cosine. Half of the loss is the mean over captions c and their wrong images n of the
    batch, half the mean over images c and their wrong texts n, hard negatives of the data included.

    The square does not say which of the two must be more similar: where n is ahead, the gradient
    moves it further ahead. So the term needs encoders that already tell right from wrong, or
    another term beside it. A batch without wrong pairs has a loss of 0.
    """

    def forward(self, step: ContrastiveStep) -> Tensor:
        images, texts, wrong = step.all_pooled()
        similarity = cosines(images, texts)  # (N, M), own captions first
        own, captions = similarity.diagonal(), slice(len(images))
        of_images = _mean_square(own[:, None] - similarity, wrong)
        of_captions = _mean_square(own - similarity[:, captions], wrong[:, captions])
        return -(of_images + of_captions) / 2


def _mean_square(gaps: Tensor, wrong: Tensor) -> Tensor:
    return (gaps.square() * wrong).sum() / wrong.sum().clamp(min=1)
