"""95 % intervals of shares, means and medians."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from textgan.types import Measurement

Z = 1.96


def wilson(successes: float, n: int) -> tuple[float, float]:
    """The score interval of a share (Wilson, JASA 1927): all p with |successes / n - p| <= Z * SE.

    SE is that of p itself. So the interval has a width at 0 and at 1 too, and stays in [0, 1].
    """
    share = successes / n
    centre = share + Z**2 / (2 * n)
    reach = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = ((centre + sign * reach) / (1 + Z**2 / n) for sign in (-1, 1))
    # Rounding can miss or cross the ends.
    return 0.0 if successes == 0 else max(0.0, low), 1.0 if successes == n else min(1.0, high)


def proportion(successes: float, n: int) -> Measurement:
    """Successes / n, with Wilson's interval."""
    low, high = wilson(successes, n)
    return Measurement(successes / n, n=n, low=low, high=high)


def share(hits: Tensor) -> Measurement:
    """(n,) bool -> the share of True, with Wilson's interval."""
    return proportion(int(hits.sum()), len(hits))


def around(value: float, error: float, *, n: int) -> Measurement:
    """A value with an interval of Z standard errors on either side."""
    return Measurement(value, n=n, low=value - Z * error, high=value + Z * error)


def mean(values: Tensor) -> Measurement:
    """(n,) float64, n at least 2 -> the mean, its standard error that of independent values."""
    return around(float(values.mean()), float(values.std()) / math.sqrt(len(values)), n=len(values))


def mean_of_sums(n: float, total: float, squares: float) -> Measurement:
    """The mean of n values, from their sum and the sum of their squares; n = 1: no interval."""
    value = total / n
    if n < 2:
        return Measurement(value, n=int(n))
    variance = max(0.0, squares - n * value**2) / (n - 1)
    return around(value, math.sqrt(variance / n), n=int(n))


class Moments(NamedTuple):
    """Number of pairs (a, b), and sums over them; the sums of batches and processes add up."""

    n: float
    a: float
    b: float
    aa: float
    ab: float
    bb: float


def moments(a: Tensor, b: Tensor) -> Tensor:
    """(n,) and (n,) -> (6,) float64, the fields of `Moments`."""
    a, b = a.double(), b.double()
    count = torch.full((), len(a), dtype=torch.float64, device=a.device)
    return torch.stack([count, a.sum(), b.sum(), (a * a).sum(), (a * b).sum(), (b * b).sum()])


def ratio(sums: Moments) -> Measurement:
    """The mean of a over the mean of b, which must not be 0.

    The standard error is that of the mean of a - ratio * b over the mean of b (Cochran, Sampling
    Techniques, 1977, eq. 2.45); a single pair has no interval.
    """
    n, value = sums.n, sums.a / sums.b
    if n < 2:
        return Measurement(value, n=int(n))
    rest = max(0.0, sums.aa - 2 * value * sums.ab + value**2 * sums.bb)
    return around(value, math.sqrt(rest / (n * (n - 1))) / (sums.b / n), n=int(n))


def median(values: Tensor) -> Measurement:
    """(n,) float64 -> their median; the interval's ends are among the values.

    They are the values of rank n/2 - Z sqrt(n)/2 and 1 + n/2 + Z sqrt(n)/2, rounded outwards: the
    number of values below the true median is binomial for every distribution. Fewer than six values
    have no interval, since even the smallest and the largest enclose it with less than 95 %.
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
