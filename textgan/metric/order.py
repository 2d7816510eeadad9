"""The order of the data set, whatever the order of batches and processes."""

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from textgan.seed import stable_hash
from textgan.types import Evaluation


def index_of(evaluation: Evaluation) -> Tensor:
    """Rows (B,) int64 in the data set; all -1 where they are unknown, which keeps the order."""
    device = evaluation.draws.device
    if evaluation.index is None:
        return torch.full((len(evaluation.draws),), -1, device=device)
    return evaluation.index.to(device)


def caption_ids(evaluation: Evaluation) -> Tensor:
    """Numbers (B,) int64 that are equal where captions are equal."""
    ids = [stable_hash(caption) for caption in evaluation.captions]
    return torch.tensor(ids, dtype=torch.int64, device=evaluation.draws.device)


def by_index(index: list[Tensor] | Tensor, *states: list[Tensor] | Tensor) -> list[Tensor]:
    """Metric states of as many rows as `index`, each as one tensor sorted by it.

    Without any row they are empty, of shape (0,).
    """
    if not len(index):
        return [torch.zeros(0) for _ in states]
    order = dim_zero_cat(index).argsort(stable=True)
    return [dim_zero_cat(state)[order] for state in states]
