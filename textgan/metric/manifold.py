"""Whether draws lie where real pictures do, and real pictures where draws do."""

import torch
from torch import Tensor, nn

from textgan.metric.feature import TwoSamples
from textgan.metric.interval import mean, share
from textgan.metric.neighbour import BLOCK, squared_distances

_ROUNDING = 1e-12  # of the largest squared length


class Manifold(TwoSamples):
    """Improved precision and recall, and density and coverage, over the first draws.

    Around each picture lies a ball that reaches to its k-th nearest other one of its kind. All
    numbers depend on how many pictures there are, so compare at equal n only.

    - `precision`: the share of draws inside the ball of a real picture, `recall`: that of real
      pictures inside the ball of a draw (Kynkäänniemi et al., NeurIPS 2019, eq. 1 and 2).
    - `density`: in how many balls of real pictures a draw lies, over k: 1 as for the data itself,
      more where draws crowd. `coverage`: the share of real pictures with a draw in their ball
      (Naeem et al., ICML 2020).

    A ball includes its rim, which is the paper's for the first pair; the second pair's code leaves
    it out, which matters for equal pictures only. Distances are Euclidean, in float64; what
    exceeds a rim by their rounding counts as on it.

    Args:
        extractor: as in `FeatureMetric`.
        precision_neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.

    Raises:
        ValueError: there are less than 1 neighbours.
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
        """`precision`, `recall`, `density`, `coverage`, and "n" draws, over all processes.

        The intervals of shares are Wilson's, that of the density is its mean and 1.96 standard
        errors. They take the balls as given, and what lies in them as independent.

        Raises:
            TooFewError: some picture has fewer others of its kind than neighbours.
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
    """Features (n, D) and (m, D) -> who lies in whose ball, k the neighbours of both pairs.

    Returns:
        Which draws lie in a small real ball (m,) and which real pictures in a draw's (n,); in how
        many large real balls each draw lies (m,), and which of them have a draw (n,).
    """
    rounding = _ROUNDING * torch.cat([real, draws]).square().sum(1).max()
    small, large = _rims(real, k) + rounding  # (n,)
    own, _ = _rims(draws, k) + rounding  # (m,)
    recalled, covered = (torch.zeros_like(small, dtype=torch.bool) for _ in range(2))
    precise, inside = [], []
    for part, rim in zip(draws.split(BLOCK), own.split(BLOCK), strict=True):
        squared = squared_distances(part, real)  # (b, n)
        within = squared <= large
        precise.append((squared <= small).any(1))
        inside.append(within.sum(1))
        recalled |= (squared <= rim[:, None]).any(0)
        covered |= within.any(0)
    return torch.cat(precise), recalled, torch.cat(inside), covered


def _rims(points: Tensor, k: tuple[int, int]) -> Tensor:
    """(n, D) -> (2, n): squared distances to the k-th nearest others, for either k."""
    rims = []
    for start in range(0, len(points), BLOCK):
        squared = squared_distances(points[start : start + BLOCK], points)  # (b, n)
        rows = torch.arange(len(squared), device=points.device)
        squared[rows, start + rows] = torch.inf
        sorted_ = squared.topk(max(k), largest=False).values  # (b, max k), the smallest first
        rims.append(sorted_[:, [k[0] - 1, k[1] - 1]].T)
    return torch.cat(rims, 1)
