"""The dtype that a part's weights are loaded in."""

from collections.abc import Iterable

import torch
from torch import nn

_FLOATING = {
    **{"float16": torch.float16, "bfloat16": torch.bfloat16},
    **{"float32": torch.float32, "float64": torch.float64},
}


def check_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """The dtype itself, where a name is given; None for None and for "auto".

    Raises:
        ValueError: weights cannot have it.
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
    """Give a part's weights a dtype.

    Args:
        part: is changed.
        dtype: as `check_dtype` takes it; None leaves the weights as they are.
        stored: of the tensors of its file, the first floating-point one of which is "auto".
    """
    wanted = check_dtype(dtype)
    if dtype == "auto":
        wanted = next((one for one in stored if one in _FLOATING.values()), None)
    part.to(dtype=wanted)
