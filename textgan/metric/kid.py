"""The kernel distance between the features of real images and of samples."""

import torch
from torch import Tensor
from torchmetrics.image.kid import poly_kernel

from textgan.metric.distance import FeatureDistance
from textgan.metric.interval import around
from textgan.metric.neighbour import BLOCK
from textgan.types import Measurement

_SMALL = 64


class KID(FeatureDistance):
    """Squared maximum mean discrepancy of a cubic kernel (Binkowski et al., ICLR 2018).

    The kernel is (x . y / D + 1)^3, by torchmetrics, in float64. It is one unbiased estimate over
    all images, where the paper takes the mean over random subsets: it needs no random numbers, and
    no unbiased estimate varies less. Only its error depends on n, and it can be below 0. It uses
    the first sample of each caption; the numbers of real images and of samples may differ.

    Its interval is from the jackknife: each image of either kind is left out once, as if real
    images and samples were independent. Close to 0 it is wider than necessary.

    The arguments are those of `FeatureDistance`; the name is kid, or as kid_768, or as kd_pixels.
    """

    # With one image left out there must still be a pair.
    standard, other, at_least = "kid", "kd", 3

    def distance(self, real: Tensor, draws: Tensor, *, n: int) -> Measurement:
        sums = row_sums(real, draws)
        return around(mmd(*sums), jackknife(*sums), n=n)


def row_sums(real: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features (n, D) and (m, D) float64 -> each row's sums of the kernel over its pairs.

    Returns:
        Of each real image with the other real images (n,), of each sample with the other samples
        (m,), of each real image with the samples (n,), of each sample with the real images (m,).
    """
    parts = real.split(BLOCK)
    within = [
        torch.cat([poly_kernel(part, x).sum(1) for part in x.split(BLOCK)])
        - torch.cat([poly_kernel(part, part).diagonal() for part in x.split(_SMALL)])
        for x in (real, draws)
    ]
    across, back = [], torch.zeros_like(draws[:, 0])
    for part in parts:
        kernel = poly_kernel(part, draws)  # (b, m)
        across.append(kernel.sum(1))
        back += kernel.sum(0)
    return within[0], within[1], torch.cat(across), back


def mmd(a: Tensor, b: Tensor, across: Tensor, back: Tensor) -> float:
    """`row_sums` -> the U-statistic: the mean over pairs within each set, minus 2 x that across."""
    n, m = len(a), len(b)
    value = a.sum() / (n * (n - 1)) + b.sum() / (m * (m - 1)) - 2 * across.sum() / (n * m)
    return float(value)


def jackknife(a: Tensor, b: Tensor, across: Tensor, back: Tensor) -> float:
    """`row_sums`, three rows or more of a kind -> the standard error of `mmd`.

    The two-sample jackknife (Arvesen, Annals of Mathematical Statistics 1969): for each kind, n - 1
    times the variance (over n) of the values without one of its images. Leaving one image out
    subtracts its row sum twice within its set and once across.
    """
    variance = 0.0
    for own, other, with_other in ((a, b, across), (b, a, back)):
        n, m = len(own), len(other)
        inside = (own.sum() - 2 * own) / ((n - 1) * (n - 2))
        outside = (with_other.sum() - with_other) / ((n - 1) * m)
        values = inside + other.sum() / (m * (m - 1)) - 2 * outside  # (n,)
        variance += float(values.var(correction=0) * (n - 1))
    return variance**0.5
