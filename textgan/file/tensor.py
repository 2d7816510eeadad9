"""The description of a stored tensor, known before its numbers are read."""

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class StoredTensor:
    """Shape and dtype of a tensor in a file; dtype is None for one that no part uses."""

    shape: tuple[int, ...]
    dtype: torch.dtype | None

    @property
    def numbers(self) -> int:
        """The count of its numbers."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """The memory that its numbers take."""
        return self.numbers * self.dtype.itemsize
