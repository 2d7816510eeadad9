"""How sure a classifier is of each draw, and how many classes it sees among them."""

import warnings

import torch
from torch import nn
from torchmetrics.image import inception

from textgan.errors import TooFewError
from textgan.metric.feature import FeatureMetric
from textgan.metric.order import by_index, index_of
from textgan.types import Evaluation, Measurement

_SEED = 0


class InceptionScore(FeatureMetric):
    """The exponential of the mutual information of draw and class (Salimans et al., NeurIPS 2016).

    By torchmetrics, in float64, of the first draw of each caption. From 1, where the classifier
    sees the same in all draws, to the number of classes. It looks at no real picture, and classes
    of photographs say little of drawings: report it beside other numbers, if at all. It grows with
    the number of draws in a split, so compare at equal n and `splits` only.

    Args:
        extractor: as in `FeatureMetric`; its features are logits.
        splits: parts that the score is computed of one by one. Draws are dealt into them by a
            permutation that depends on their number alone; the last n % splits are left out, so
            that the parts are equal.

    Raises:
        ValueError: `splits` is less than 1.
    """

    def __init__(self, extractor: nn.Module, *, splits: int = 10):
        super().__init__(extractor)
        if splits < 1:
            raise ValueError(f"splits must be at least 1, got {splits}")
        self.splits = splits
        self.add_state("logits", [], dist_reduce_fx="cat")
        self.add_state("index", [], dist_reduce_fx="cat")

    def update(self, evaluation: Evaluation) -> None:
        """Take in the first draws of (B, k, C, H, W)."""
        self.logits.append(self.features(evaluation, "draws")[:, 0])
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`inception_score`, the mean over splits, and "n" draws.

        Its spread is the standard deviation over splits; None for a single one.

        Raises:
            TooFewError: there are fewer than two draws for each split.
        """
        (logits,) = by_index(self.index, self.logits)
        if len(logits) < 2 * self.splits:
            raise TooFewError(
                f"InceptionScore needs at least {2 * self.splits} draws, two for each split, "
                f"got {len(logits)}"
            )
        n = len(logits) - len(logits) % self.splits
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Metric `InceptionScore` will save all")
            inner = inception.InceptionScore(
                nn.Identity(),
                splits=self.splits,
                sync_on_compute=False,
                distributed_available_fn=lambda: False,
            )
        inner.update(logits[:n].double())
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"std\(\): degrees of freedom")  # of a single split
            torch.manual_seed(_SEED)  # its permutation is drawn on the CPU
            score, spread = inner.compute()
        spread = float(spread) if self.splits > 1 else None
        return {
            "inception_score": Measurement(float(score), n=n, spread=spread),
            "n": float(n),
        }
