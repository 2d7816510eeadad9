"""Find weights that are NaN or infinite."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def not_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity, or None.

    A GPU is synchronized once, not once per tensor.
    """
    named = [(name, t) for name, t in tensors if t.is_floating_point() and t.numel()]
    if not named:
        return None
    first = named[0][1].device
    sound = torch.stack([torch.isfinite(t).all().to(first) for _, t in named])
    return next((named[int(place)][0] for place in (~sound).nonzero()[:1]), None)


def broken_training(model: nn.Module, optimizer_states: list[dict[str, Any]]) -> str | None:
    """Return the name of a non-finite parameter, buffer or optimizer state, or None.

    Args:
        model: its parameters must be finite; its buffers may be infinite, as masks are.
        optimizer_states: the `state_dict` of each optimizer.
    """
    buffers = ((name, torch.where(t.isinf(), 0, t)) for name, t in model.named_buffers())
    states = (
        (f"{name} of an optimizer", value)
        for state in optimizer_states
        for of_parameter in state.get("state", {}).values()
        for name, value in of_parameter.items()
        if isinstance(value, Tensor)
    )
    return (
        not_finite(model.named_parameters())
        or not_finite((n, t) for n, t in buffers if t.is_floating_point())
        or not_finite(states)
    )
