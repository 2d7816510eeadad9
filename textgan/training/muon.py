"""Muon for matrices and kernels, beside AdamW for everything else."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim import Muon as MatrixMuon

_OPTIONS = {"lr", "weight_decay", "momentum", "betas"}


class Muon(Optimizer):
    """Muon (Jordan et al. 2024) where a weight is a matrix or a convolution's kernel, else AdamW.

    A parameter with the attribute `is_embedding` is no matrix: only few of its rows have a gradient
    at a time.

    Muon makes the momentum of a matrix orthogonal before the step, so that all its directions are
    learned at the same speed. A kernel (out, in, h, w) counts as a matrix (out, in * h * w). The
    steps of Muon are scaled to the size of AdamW's ("Muon is scalable for LLM training", Liu et
    al. 2025), so that one learning rate fits both.

    It consists of `torch.optim.Muon` and `torch.optim.AdamW`, whose state it saves.

    Args:
        params: parameters, or groups of them.
        lr: learning rate.
        momentum: of Muon.
        betas: of AdamW.
        weight_decay: decoupled, of both.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        lr: float = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ):
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**defaults, "betas": tuple(betas)})
        self._inner: list[tuple[int, Optimizer]] = []  # place of the group, and its optimizer
        self._matrices: list[tuple[nn.Parameter, nn.Parameter]] = []  # weight, and a view of it
        for place, group in enumerate(self.param_groups):
            options = {"lr": group["lr"], "weight_decay": group["weight_decay"]}
            weights = [p for p in group["params"] if _is_matrix(p)]
            others = [p for p in group["params"] if not _is_matrix(p)]
            if weights:
                views = [nn.Parameter(_as_matrix(p.data)) for p in weights]
                self._matrices += zip(weights, views, strict=True)
                muon = MatrixMuon(
                    views, momentum=momentum, adjust_lr_fn="match_rms_adamw", **options
                )
                self._inner.append((place, muon))
            if others:
                self._inner.append((place, AdamW(others, betas=tuple(betas), **options)))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for weight, view in self._matrices:
            view.grad = None if weight.grad is None else _as_matrix(weight.grad, weight)
        for place, optimizer in self._inner:
            for group in optimizer.param_groups:
                own = self.param_groups[place]  # schedules and a resumed run change it
                group.update({name: own[name] for name in group.keys() & _OPTIONS})
            optimizer.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The groups without parameters, and the states of the optimizers inside."""
        inner = [optimizer.state_dict() for _, optimizer in self._inner]
        return {**super().state_dict(), "inner": inner}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Raises:
            ValueError: it belongs to other parameters.
        """
        inner = state_dict["inner"]
        if len(inner) != len(self._inner):
            rule = f"the state must be of {len(self._inner)} optimizers"
            raise ValueError(f"{rule}, got {len(inner)}")
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "inner"})
        for (_, optimizer), state in zip(self._inner, inner, strict=True):
            optimizer.load_state_dict(state)


def _is_matrix(parameter: nn.Parameter) -> bool:
    return parameter.ndim in (2, 4) and not getattr(parameter, "is_embedding", False)


def _as_matrix(tensor: Tensor, like: Tensor | None = None) -> Tensor:
    """A view of a weight as a matrix, or its gradient in the order of that view.

    The order of the columns does not matter to Muon.
    """
    like = tensor if like is None else like
    if tensor.ndim == 4 and not like.is_contiguous():  # channels_last
        tensor = tensor.permute(0, 2, 3, 1)
    return tensor.flatten(1)
