"""Overlap of the regions of feature space that real images and samples cover."""

import torch
from torch import Tensor, nn

from textgan.metric.feature import TwoSamples
from textgan.metric.interval import mean, share
from textgan.metric.neighbour import BLOCK, squared_distances

_ROUNDING = 1e-12  # of the largest squared length


class Manifold(TwoSamples):
    """Improved precision and recall, and density and coverage, over the first samples.

    Each image has a ball around it, whose radius is the distance to its k-th nearest image of the
    same kind. All values depend on the number of images, so compare them at equal n only.

    - `precision`: share of samples inside the ball of a real image. `recall`: share of real images
      inside the ball of a sample (Kynkäänniemi et al., NeurIPS 2019, eq. 1 and 2).
    - `density`: number of balls of real images that contain a sample, divided by k: 1 for the data
      itself, more where samples crowd. `coverage`: share of real images with a sample in their ball
      (Naeem et al., ICML 2020).

    A ball includes its surface, as the first paper defines it; the second paper's code excludes it,
    which matters for equal images only. Distances are Euclidean, in float64; a point that lies
    outside by no more than their rounding counts as on the surface.

    Args:
        extractor: as in `FeatureMetric`.
        precision_neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.

    Raises:
        ValueError: a number of neighbours is less than 1.
    """

    def __init__(
        self, extractor: nn.Module, *, precision_neighbours: int = 3, density_neighbours: int = 5
    ):
        super().__init__(extractor)
        if min(precision_neighbours, density_neighbours) < 1:
            raise ValueError(
                "precision_neighbours and density_neighbours must be at least 1, got "
                f"{precision_neighbours} and {density_neighbours}"
            )
        self.precision_neighbours = precision_neighbours
        self.density_neighbours = density_neighbours

    def compute(self) -> dict[str, float]:
        """`precision`, `recall`, `density`, `coverage`, and "n" samples, over all processes.

        The intervals of shares are Wilson's, that of the density is its mean and 1.96 standard
        errors. They take the balls as given, and the images inside as independent.

        Raises:
            TooFewError: an image has fewer others of its kind than neighbours.
        """
        k = self.precision_neighbours, self.density_neighbours
        real, draws = self.samples(at_least=max(k) + 1)
        n = min(len(real), len(draws))
        centre = real.mean(0)
        real, draws = real - centre, draws - centre  # short vectors round less
        precise, recalled, inside, covered = _compare(real, draws, k)
        return {
            "precision": share(precise),
            "recall": share(recalled),
            "density": mean(inside.double() / self.density_neighbours),
            "coverage": share(covered),
            "n": float(n),
        }


def _compare(
    real: Tensor, draws: Tensor, k: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features (n, D) and (m, D) -> membership in balls, k the neighbours of both pairs.

    Returns:
        Whether each sample lies in a small real ball (m,), and each real image in a sample's ball
        (n,); number of large real balls around each sample (m,); whether each has a sample (n,).
    """
    rounding = _ROUNDING * torch.cat([real, draws]).square().sum(1).max()
    small, large = _squared_radii(real, k) + rounding  # (n,)
    own, _ = _squared_radii(draws, k) + rounding  # (m,)
    recalled, covered = (torch.zeros_like(small, dtype=torch.bool) for _ in range(2))
    precise, inside = [], []
    for part, radius in zip(draws.split(BLOCK), own.split(BLOCK), strict=True):
        squared = squared_distances(part, real)  # (b, n)
        within = squared <= large
        precise.append((squared <= small).any(1))
        inside.append(within.sum(1))
        recalled |= (squared <= radius[:, None]).any(0)
        covered |= within.any(0)
    return torch.cat(precise), recalled, torch.cat(inside), covered


def _squared_radii(points: Tensor, k: tuple[int, int]) -> Tensor:
    """(n, D) -> (2, n): squared distances to the k-th nearest others, for both k."""
    radii = []
    for start in range(0, len(points), BLOCK):
        squared = squared_distances(points[start : start + BLOCK], points)  # (b, n)
        rows = torch.arange(len(squared), device=points.device)
        squared[rows, start + rows] = torch.inf
        sorted_ = squared.topk(max(k), largest=False).values  # (b, max k), the smallest first
        radii.append(sorted_[:, [k[0] - 1, k[1] - 1]].T)
    return torch.cat(radii, 1)
