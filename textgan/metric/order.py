"""The order of the data set, whichever way batches and processes brought the pictures."""

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from textgan.types import Evaluation


def index_of(evaluation: Evaluation) -> Tensor:
    """(B,) int64: the rows in the data set; -1 where they are not told, which keeps the order."""
    device = evaluation.draws.device
    if evaluation.index is None:
        return torch.full((len(evaluation.draws),), -1, device=device)
    return evaluation.index.to(device)


def by_index(index: list[Tensor] | Tensor, *states: list[Tensor] | Tensor) -> list[Tensor]:
    """Metric states of as many rows as `index`, each as one tensor sorted by it.

    Without any row they are empty, of shape (0,).
    """
    if not len(index):
        return [torch.zeros(0) for _ in states]
    order = dim_zero_cat(index).argsort(stable=True)
    return [dim_zero_cat(state)[order] for state in states]
