"""95 % intervals of shares, means and medians."""

import math

import torch
from torch import Tensor

from textgan.types import Measurement

Z = 1.96


def wilson(successes: float, n: int) -> tuple[float, float]:
    """The score interval of a share (Wilson, JASA 1927): all p with |successes / n - p| <= Z * SE.

    SE is that of p itself, so that it has a width at 0 and at 1 too, and stays within [0, 1].
    """
    share = successes / n
    centre = share + Z**2 / (2 * n)
    reach = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = ((centre + sign * reach) / (1 + Z**2 / n) for sign in (-1, 1))
    # rounding can miss or cross the ends
    return 0.0 if successes == 0 else max(0.0, low), 1.0 if successes == n else min(1.0, high)


def share(hits: Tensor) -> Measurement:
    """(n,) bool -> the share of True, with Wilson's interval."""
    n, successes = len(hits), int(hits.sum())
    low, high = wilson(successes, n)
    return Measurement(successes / n, n=n, low=low, high=high)


def around(value: float, error: float, *, n: int) -> Measurement:
    """A value with Z standard errors on either side."""
    return Measurement(value, n=n, low=value - Z * error, high=value + Z * error)


def mean(values: Tensor) -> Measurement:
    """(n,) float64, n at least 2 -> their mean, its standard error that of independent values."""
    return around(float(values.mean()), float(values.std()) / math.sqrt(len(values)), n=len(values))


def moments(a: Tensor, b: Tensor) -> Tensor:
    """(n,) and (n,) -> (6,) float64: n and the sums of a, b, a a, a b and b b; they add up."""
    a, b = a.double(), b.double()
    count = torch.full((), len(a), dtype=torch.float64, device=a.device)
    return torch.stack([count, a.sum(), b.sum(), (a * a).sum(), (a * b).sum(), (b * b).sum()])


def ratio(sums: Tensor) -> Measurement:
    """`moments` of n pairs -> the mean of a over the mean of b, which is not 0.

    The standard error is that of the mean of a - ratio * b over the mean of b (Cochran, Sampling
    Techniques, 1977, eq. 2.45); one pair has none, and no interval.
    """
    n, a, b, aa, ab, bb = sums.tolist()
    value = a / b
    if n < 2:
        return Measurement(value, n=int(n))
    rest = max(0.0, aa - 2 * value * ab + value**2 * bb)
    return around(value, math.sqrt(rest / (n * (n - 1))) / (b / n), n=int(n))


def median(values: Tensor) -> Measurement:
    """(n,) float64 -> their median; the interval's ends are among the values.

    They are the values of rank n/2 - Z sqrt(n)/2 and 1 + n/2 + Z sqrt(n)/2, rounded outwards: how
    many values lie below the true median is binomial, whatever the distribution. Below six values
    not even the smallest and the largest enclose it so surely, and there is no interval.
    """
    n = len(values)
    ranked = values.sort().values
    value = float(ranked[(n - 1) // 2] + ranked[n // 2]) / 2
    if n < 6:
        return Measurement(value, n=n)
    reach = Z * math.sqrt(n) / 2
    low, high = math.floor(n / 2 - reach), math.ceil(1 + n / 2 + reach)
    return Measurement(
        value, n=n, low=float(ranked[max(low, 1) - 1]), high=float(ranked[min(high, n) - 1])
    )
