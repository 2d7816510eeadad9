"""Confidence of a classifier on each sample, and variety of the classes among the samples."""

import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.metric.feature import FeatureMetric
from textgan.metric.order import by_index, index_of
from textgan.types import Evaluation, Measurement


class InceptionScore(FeatureMetric):
    """Exponential of the mutual information of sample and class (Salimans et al., NeurIPS 2016).

    It is computed in float64, over the first sample of each caption, and lies between 1, where the
    classifier predicts the same for all samples, and the number of classes. It uses no real image,
    and the classes are those of photographs: report it beside other numbers, if at all. It grows
    with the number of samples in a split, so compare it at equal n and `splits`.

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
        order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
        parts = logits[:n][order.to(logits.device)].double().log_softmax(1).chunk(self.splits)
        scores = torch.stack([_score(part) for part in parts])
        spread = float(scores.std()) if self.splits > 1 else None
        value = Measurement(float(scores.mean()), n=n, spread=spread)
        return {"inception_score": value, "n": float(n)}


def _score(log_p: Tensor) -> Tensor:
    """Log-probabilities (n, classes) -> exp of their mean divergence from the mean prediction."""
    p = log_p.exp()
    return (p * (log_p - p.mean(0).log())).sum(1).mean().exp()
