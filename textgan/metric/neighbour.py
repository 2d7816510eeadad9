"""Euclidean distances between many features, in blocks that fit into memory."""

import torch
from torch import Tensor

BLOCK = 2048


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, D) and (m, D) -> (n, m), all float64, by one matrix product.

    Their error is about 1e-15 of the squared lengths, and differs between (a, b) and (b, a).
    """
    lengths = a.square().sum(1)[:, None] + b.square().sum(1)
    return (lengths - 2 * a @ b.T).clamp(min=0)


def nearest(points: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest of `others` (m, D), m at least 1, for each of `points` (n, D).

    Returns:
        Its distance (n,) float64, without the error of `squared_distances`: exactly 0 if the two
        are equal. Its row (n,) int64.
    """
    distances, rows = [], []
    for part in points.double().split(BLOCK):
        best = torch.full((len(part),), torch.inf, dtype=torch.float64, device=part.device)
        row = torch.zeros(len(part), dtype=torch.int64, device=part.device)
        for start in range(0, len(others), BLOCK):
            squared = squared_distances(part, others[start : start + BLOCK].double())
            smallest, column = squared.min(1)  # (b,)
            row = torch.where(smallest < best, start + column, row)
            best = torch.minimum(smallest, best)
        distances.append((part - others[row].double()).norm(dim=1))
        rows.append(row)
    return torch.cat(distances), torch.cat(rows)
