"""The dtype in which the weights of a part are loaded."""

from collections.abc import Iterable

import torch
from torch import nn

_FLOATING = {
    **{"float16": torch.float16, "bfloat16": torch.bfloat16},
    **{"float32": torch.float32, "float64": torch.float64},
}


def check_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """Return the dtype that a dtype or its name stands for; None for None and for "auto".

    Raises:
        ValueError: it is not a floating-point dtype of 16, 32 or 64 bits.
    """
    if dtype is None or dtype == "auto":
        return None
    for name, known in _FLOATING.items():
        if dtype in (name, known):
            return known
    names = ", ".join(_FLOATING)
    raise ValueError(f'dtype must be one of {names}, or "auto", got {dtype!r:.80}')


def convert(
    part: nn.Module, dtype: torch.dtype | str | None, stored: Iterable[torch.dtype | None]
) -> None:
    """Convert a part's weights in place; None leaves them as they are.

    "auto" is the first floating-point dtype of `stored`, those of the tensors in the file.
    """
    wanted = check_dtype(dtype)
    if dtype == "auto":
        wanted = next((one for one in stored if one in _FLOATING.values()), None)
    part.to(dtype=wanted)
