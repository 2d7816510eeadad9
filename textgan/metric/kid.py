"""The kernel distance between the features of real pictures and of draws."""

import torch
from torch import Tensor, nn
from torchmetrics.image.kid import poly_kernel

from textgan.metric.feature import TwoSamples, distance_name
from textgan.metric.interval import around
from textgan.metric.neighbour import BLOCK

_SMALL = 64


class KID(TwoSamples):
    """Squared maximum mean discrepancy of a cubic kernel (Binkowski et al., ICLR 2018).

    The kernel is (x . y / D + 1)^3, by torchmetrics, in float64. One unbiased estimate over all
    pictures, where the paper takes the mean over random subsets: nothing is drawn, and no unbiased
    estimate varies less. Only its error depends on n, and it can be below 0. Looks at the first
    draw of each caption; the numbers of real pictures and of draws may differ.

    Args:
        extractor: as in `FeatureMetric`.
        name: what the value is called; None means kid for the 2048 features of Inception's last
            pooling layer, kid_768 and so on for others of its, kd_ with the class for other nets.

    Raises:
        ValueError: the name would be mistaken for another's.
    """

    def __init__(self, extractor: nn.Module, *, name: str | None = None):
        super().__init__(extractor)
        self.name = distance_name(extractor, name, standard="kid", other="kd")

    def compute(self) -> dict[str, float]:
        """`name` -> the distance, "n" -> how many draws it is of, over all processes.

        Its interval is by the jackknife: each picture of either kind is left out once, as if real
        pictures and draws were independent. Close to 0 it is wider than it need be.

        Raises:
            TooFewError: there are fewer than three pictures of a kind: with one left out there must
                still be a pair.
        """
        real, draws = self.samples(at_least=3)
        sums = row_sums(real, draws)
        n = min(len(real), len(draws))
        return {self.name: around(mmd(*sums), jackknife(*sums), n=n), "n": float(n)}


def row_sums(real: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features (n, D) and (m, D) float64 -> sums of the kernel over the others of all pairs.

    Returns:
        Of each real picture with the other real ones (n,), of each draw with the other draws (m,),
        of each real picture with the draws (n,), and of each draw with the real pictures (m,).
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
    """`row_sums` -> the U-statistic: the mean over pairs within each set, less 2 x that across."""
    n, m = len(a), len(b)
    value = a.sum() / (n * (n - 1)) + b.sum() / (m * (m - 1)) - 2 * across.sum() / (n * m)
    return float(value)


def jackknife(a: Tensor, b: Tensor, across: Tensor, back: Tensor) -> float:
    """`row_sums`, three rows or more of a kind -> the standard error of `mmd`.

    The two-sample jackknife (Arvesen, Annals of Mathematical Statistics 1969), for each kind n - 1
    times the variance (over n) of the values without one of its pictures. Leaving one out takes its
    row sum off twice within its set and once across.
    """
    variance = 0.0
    for own, other, with_other in ((a, b, across), (b, a, back)):
        n, m = len(own), len(other)
        inside = (own.sum() - 2 * own) / ((n - 1) * (n - 2))
        outside = (with_other.sum() - with_other) / ((n - 1) * m)
        values = inside + other.sum() / (m * (m - 1)) - 2 * outside  # (n,)
        variance += float(values.var(correction=0) * (n - 1))
    return variance**0.5
