"""The Frechet distance between the features of real pictures and of draws."""

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from textgan.metric.feature import TwoSamples, distance_name
from textgan.metric.interval import around
from textgan.types import Measurement

_GROUPS = 10


class FID(TwoSamples):
    """Frechet distance of two Gaussians (Heusel et al., NeurIPS 2017, eq. 6), by torchmetrics.

    Looks at the first draw of each caption. Its value depends on n (biased upwards, the more so the
    fewer pictures), so compare at equal n only, and look at KID, which is not biased, beside it.
    Features are computed in float32, their covariance and the distance in float64. Rounding can
    take equal sets a little below 0; the value is clamped at 0.

    Args:
        extractor: as in `FeatureMetric`.
        name: what the value is called; None means fid for the 2048 features of Inception's last
            pooling layer, fid_768 and so on for others of its, fd_ with the class for other nets.

    Raises:
        ValueError: the name would be mistaken for another's.
    """

    def __init__(self, extractor: nn.Module, *, name: str | None = None):
        super().__init__(extractor)
        self.name = distance_name(extractor, name, standard="fid", other="fd")

    def compute(self) -> dict[str, float]:
        """`name` -> the distance, "n" -> how many draws it is of, over all processes.

        Its interval is by the jackknife over ten groups of draws and real pictures (None below 100
        of them): how it would vary with other pictures, without what it is off for being of so few.

        Raises:
            TooFewError: there are fewer than two pictures, so no variance.
        """
        real, draws = self.samples(at_least=2)
        n = min(len(real), len(draws))
        value = max(0.0, by_torchmetrics(real, draws))
        if n < 10 * _GROUPS:
            return {self.name: Measurement(value, n=n), "n": float(n)}
        return {self.name: around(value, _jackknife(real, draws), n=n), "n": float(n)}


def by_torchmetrics(real: Tensor, draws: Tensor) -> float:
    """Features (n, D) and (m, D) float64 -> the distance of the Gaussians fitted to them."""
    alone = {"sync_on_compute": False, "distributed_available_fn": lambda: False}
    inner = FrechetInceptionDistance(feature=_Features(real.shape[1]), **alone).to(real.device)
    inner.update(real, real=True)
    inner.update(draws, real=False)
    return float(inner.compute())


def frechet_distance(real: Tensor, draws: Tensor) -> float:
    """The same without a D x D square root.

    The trace of the root of S1 S2 is the sum of the singular values of A B^T for centred A, B with
    A^T A = S1 and B^T B = S2; where there are more pictures than features, their QR triangles do.
    """
    parts = [(x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (real, draws)]
    a, b = (torch.linalg.qr(x).R if len(x) > x.shape[1] else x for x in parts)
    root = torch.linalg.svdvals(a @ b.T).sum()
    shift = (real.mean(0) - draws.mean(0)).square().sum()
    return float(shift + a.square().sum() + b.square().sum() - 2 * root)


def _jackknife(real: Tensor, draws: Tensor) -> float:
    """Standard error: each time a tenth of both sets is left out."""
    values = []
    for group in range(_GROUPS):
        kept = [x[torch.arange(len(x), device=x.device) % _GROUPS != group] for x in (real, draws)]
        values.append(frechet_distance(*kept))
    values = torch.tensor(values, dtype=torch.float64)
    return float((values.var(correction=0) * (_GROUPS - 1)).sqrt())


class _Features(nn.Module):
    """Stands for the extractor where features are at hand."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features
