"""Confidence of a classifier on each sample, and variety of the classes among the samples."""

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
    """Exponential of the mutual information of sample and class (Salimans et al., NeurIPS 2016).

    It is computed by torchmetrics, in float64, over the first sample of each caption. It lies
    between 1, where the classifier predicts the same for all samples, and the number of classes. It
    uses no real image, and the classes are those of photographs: report it beside other numbers, if
    at all. It grows with the number of samples in a split, so compare it at equal n and `splits`.

    Args:
        extractor: as in `FeatureMetric`; its features are logits.
        splits: number of parts, each with a score of its own. A permutation that depends on the
            number of samples alone assigns them to parts; the last n % splits are left out, so
            that the parts are equal.

    Raises:
        ValueError: `splits` is less than 1.
    """

    def __init__(self, extractor: nn.Module, *, splits: int = 10):
        super().__init__(extractor)
        if splits < 1:
            raise ValueError(f"splits must be at least 1, got {splits}")
        self.splits = splits
        self.add_lists("logits", "index")

    def update(self, evaluation: Evaluation) -> None:
        """Add the first samples of (B, k, C, H, W)."""
        self.logits.append(self.features(evaluation, "draws")[:, 0])
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`inception_score`, the mean over splits, and "n" samples.

        Its spread is the standard deviation over splits; None for a single split.

        Raises:
            TooFewError: there are fewer than two samples for each split.
        """
        (logits,) = by_index(self.index, self.logits)
        if len(logits) < 2 * self.splits:
            raise TooFewError(
                f"InceptionScore needs at least {2 * self.splits} samples, two for each split, "
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
            torch.manual_seed(_SEED)  # its permutation is made on the CPU
            score, spread = inner.compute()
        spread = float(spread) if self.splits > 1 else None
        return {"inception_score": Measurement(float(score), n=n, spread=spread), "n": float(n)}
