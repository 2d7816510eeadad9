"""Distances of samples, and their ratio to the distance between samples of different captions."""

from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.metric.feature import FeatureMetric
from textgan.metric.interval import around, mean
from textgan.metric.order import by_index, caption_ids, index_of
from textgan.types import Evaluation, Measurement

# of the features' length: float32 features of a deep network depend on the batch size by this much
_ROUNDING = 1e-5


class RelativeDistance(FeatureMetric):
    """Base of metrics that have one distance in feature space for each caption.

    Args:
        extractor: as in `FeatureMetric`.
    """

    def __init__(self, extractor: nn.Module):
        super().__init__(extractor)
        self.add_lists("distances", "first", "captions", "index")

    def add(self, evaluation: Evaluation, distances: Tensor, first: Tensor) -> None:
        """Add the distances (B,) and the features (B, D) of the first samples of a batch."""
        self.distances.append(distances)
        self.first.append(first)
        self.captions.append(caption_ids(evaluation))
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`distance_and_ratio` over all processes."""
        states = by_index(self.index, self.distances, self.first, self.captions)
        return distance_and_ratio(*states, metric=type(self).__name__)


def distance_and_ratio(
    distances: Tensor, first: Tensor, captions: Tensor, *, metric: str
) -> dict[str, float]:
    """`distance`, the mean of the distances; `relative`, as `relative` returns it; "n" captions.

    The interval of the mean is from its standard error over captions. `relative` is left out where
    it is None, which is where all captions or all first samples are equal.

    Raises:
        TooFewError: there are fewer than three captions; the text begins with `metric`.
    """
    n = len(distances)
    if n < 3:
        raise TooFewError(f"{metric} needs at least 3 captions, got {n}")
    values = {"distance": mean(distances), "n": float(n)}
    ratio = relative(distances, first.double(), captions)
    return values if ratio is None else {**values, "relative": ratio}


def relative(distances: Tensor, first: Tensor, captions: Tensor) -> Measurement | None:
    """The mean of `distances` over the mean distance between samples of different captions.

    The second mean is over neighbouring captions, the last one with the first one; pairs of equal
    captions are left out. The standard error is that of the jackknife, which leaves out one caption
    and makes its two neighbours a pair: two pairs share a sample, and both means are of the same
    captions, so they are not independent. It errs to the wide side.

    Args:
        distances: (n,) float64, one for each caption, n at least 3.
        first: (n, D) float64, features of their first samples.
        captions: (n,) int64, equal where captions are equal.

    Returns:
        The ratio; None where all captions are equal or, except for rounding, all these samples. Its
        interval is None where leaving out one caption makes them so.
    """
    n = len(distances)
    total, count = _neighbour_distances(first, captions, 1)
    rounding = _ROUNDING * first.norm(dim=1).mean()
    if total.sum() <= rounding * count.sum():
        return None
    value = distances.mean() / (total.sum() / count.sum())
    # Without caption i there is neither the pair (i - 1, i) nor (i, i + 1), but (i - 1, i + 1).
    totals, counts = (
        one.sum() - one - one.roll(1) + two.roll(1)
        for one, two in zip((total, count), _neighbour_distances(first, captions, 2), strict=True)
    )
    if (totals <= rounding * counts.clamp(min=1)).any():
        return Measurement(float(value), n=n)
    values = (distances.sum() - distances) / (n - 1) / (totals / counts)  # (n,)
    return around(float(value), float((values.var(correction=0) * (n - 1)).sqrt()), n=n)


def _neighbour_distances(first: Tensor, captions: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """(n,) distances to the sample `step` rows on, 0 for equal captions; 1 where they differ."""
    differ = captions != captions.roll(-step)
    return (first - first.roll(-step, 0)).norm(dim=1) * differ, differ.double()
