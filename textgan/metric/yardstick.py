"""The distance between draws of different captions, which other distances are measured by."""

import torch
from torch import Tensor

from textgan.errors import TooFewError
from textgan.metric.interval import around, mean
from textgan.seed import seed_from
from textgan.types import Evaluation, Measurement

_ROUNDING = 1e-5  # of the features' length: float32, through a deep net, in batches of any size


def caption_ids(evaluation: Evaluation) -> Tensor:
    """(B,) int64, equal where captions are."""
    ids = [seed_from(caption) for caption in evaluation.captions]
    return torch.tensor(ids, dtype=torch.int64, device=evaluation.draws.device)


def measured(
    distances: Tensor, first: Tensor, captions: Tensor, *, metric: str
) -> dict[str, float]:
    """`distance`, their mean, `relative`, as the function of that name, and "n" captions.

    The interval of the mean is from its standard error over captions. `relative` is left out where
    it is None.

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
    """The mean of `distances` over the mean distance between draws of different captions.

    The latter is over neighbours, the last beside the first; those of equal captions are left out.
    The standard error is the jackknife's (without a caption its neighbours are each other's): it
    knows that two pairs share a draw, and that both means are of the same captions. It errs to
    the wide side.

    Args:
        distances: (n,) float64, one for each caption, n at least 3.
        first: (n, D) float64, features of their first draws.
        captions: (n,) int64, equal where captions are.

    Returns:
        The ratio; None where all captions are equal or, but for rounding, all these draws. Its
        interval is None where leaving one caption out makes them so.
    """
    n = len(distances)
    total, count = _steps(first, captions, 1)
    rounding = _ROUNDING * first.norm(dim=1).mean()
    if total.sum() <= rounding * count.sum():
        return None
    value = distances.mean() / (total.sum() / count.sum())
    totals, counts = (
        one.sum() - one - one.roll(1) + two.roll(1)  # without i: neither (i - 1, i) nor (i, i + 1)
        for one, two in zip((total, count), _steps(first, captions, 2), strict=True)
    )
    if (totals <= rounding * counts.clamp(min=1)).any():
        return Measurement(float(value), n=n)
    values = (distances.sum() - distances) / (n - 1) / (totals / counts)  # (n,)
    return around(float(value), float((values.var(correction=0) * (n - 1)).sqrt()), n=n)


def _steps(first: Tensor, captions: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """(n,) distances to the draw `step` further on, 0 for equal captions; 1 where they differ."""
    differ = captions != captions.roll(-step)
    return (first - first.roll(-step, 0)).norm(dim=1) * differ, differ.double()
