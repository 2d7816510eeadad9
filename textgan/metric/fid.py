"""The Frechet distance between the features of real images and of samples."""

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from textgan.metric.distance import FeatureDistance
from textgan.metric.interval import around
from textgan.types import Measurement

_GROUPS = 10


class FID(FeatureDistance):
    """Frechet distance of two Gaussians (Heusel et al., NeurIPS 2017, eq. 6), by torchmetrics.

    It uses the first sample of each caption. Its value depends on n (biased upwards, the more the
    fewer images), so compare it at equal n only, and report KID, which is unbiased, beside it.
    Features are computed in float32, their covariance and the distance in float64. Rounding can
    take equal sets a little below 0; the value is clamped at 0.

    Its interval is from the jackknife over ten groups of samples and real images (None below 100 of
    them): the variation with other images, without the bias at this n.

    The arguments are those of `FeatureDistance`; the name is fid, or as fid_768, or as fd_pixels.
    """

    standard, other, at_least = "fid", "fd", 2

    def distance(self, real: Tensor, draws: Tensor, *, n: int) -> Measurement:
        value = max(0.0, by_torchmetrics(real, draws))
        if n < 10 * _GROUPS:
            return Measurement(value, n=n)
        return around(value, _jackknife(real, draws), n=n)


def by_torchmetrics(real: Tensor, draws: Tensor) -> float:
    """Features (n, D) and (m, D) float64 -> the distance of the Gaussians fitted to them."""
    alone = {"sync_on_compute": False, "distributed_available_fn": lambda: False}
    inner = FrechetInceptionDistance(feature=_Features(real.shape[1]), **alone).to(real.device)
    inner.update(real, real=True)
    inner.update(draws, real=False)
    return float(inner.compute())


def frechet_distance(real: Tensor, draws: Tensor) -> float:
    """The same distance, faster, for the many distances of the jackknife.

    It needs no square root of a D x D matrix: the trace of the root of S1 S2 is the sum of the
    singular values of A B^T for centred A, B with A^T A = S1 and B^T B = S2. With more images than
    features, the triangles of their QR decompositions take the place of A and B.
    """
    parts = [(x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (real, draws)]
    a, b = (torch.linalg.qr(x).R if len(x) > x.shape[1] else x for x in parts)
    root = torch.linalg.svdvals(a @ b.T).sum()
    shift = (real.mean(0) - draws.mean(0)).square().sum()
    return float(shift + a.square().sum() + b.square().sum() - 2 * root)


def _jackknife(real: Tensor, draws: Tensor) -> float:
    """The standard error, from leaving out a tenth of both sets at a time."""
    values = []
    for group in range(_GROUPS):
        kept = [x[torch.arange(len(x), device=x.device) % _GROUPS != group] for x in (real, draws)]
        values.append(frechet_distance(*kept))
    values = torch.tensor(values, dtype=torch.float64)
    return float((values.var(correction=0) * (_GROUPS - 1)).sqrt())


class _Features(nn.Identity):
    """The extractor for torchmetrics, as the features are computed already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features
