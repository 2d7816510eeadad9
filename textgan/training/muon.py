"""Muon for matrices and kernels, beside AdamW for everything else."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

_OPTIONS = {"lr", "weight_decay", "betas"}
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_HALF = torch.bfloat16


class Muon(Optimizer):
    """Muon (Jordan et al. 2024) where a weight is a matrix or a convolution's kernel, else AdamW.

    A parameter with the attribute `is_embedding` is no matrix: only few of its rows have a gradient
    at a time.

    Muon makes the momentum of a matrix orthogonal before the step, so that all its directions are
    learned at the same speed. A kernel (out, in, h, w) counts as a matrix (out, in * h * w). The
    steps of Muon are scaled to the size of AdamW's ("Muon is scalable for LLM training", Liu et
    al. 2025), so that one learning rate fits both.

    `torch.optim.Muon` computes in bfloat16 everywhere, which is more than ten times slower than
    float32 on a CPU without instructions for it, as most laptops have. This one computes the same
    in float32 on a CPU, unless the step is taken under autocast to bfloat16
    (trainer.precision=bf16-mixed). The rest is `torch.optim.AdamW`, whose state it saves.

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
        for group in self.param_groups:
            for name in ("lr", "weight_decay"):
                if group[name] < 0:
                    raise ValueError(f"{name} must be at least 0, got {group[name]}")
            if not all(0 <= share < 1 for share in (group["momentum"], *group["betas"])):
                got = f"{group['momentum']} and {group['betas']}"
                raise ValueError(f"momentum and betas must be in [0, 1), got {got}")
        self._inner: list[tuple[int, AdamW]] = []  # place of the group, and its optimizer
        for place, group in enumerate(self.param_groups):
            options = {name: group[name] for name in _OPTIONS}
            if others := [p for p in group["params"] if not _is_matrix(p)]:
                self._inner.append((place, AdamW(others, **options)))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for place, optimizer in self._inner:
            own = self.param_groups[place]  # schedules and a resumed run change it
            for group in optimizer.param_groups:
                group.update({name: own[name] for name in _OPTIONS})
            optimizer.step()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None and _is_matrix(weight):
                    self._step_matrix(weight, group)
        return loss

    def _step_matrix(self, weight: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        momentum, average = group["momentum"], state["momentum_buffer"]
        average.lerp_(weight.grad, 1 - momentum)
        update = _orthogonal(weight.grad.lerp(average, momentum).flatten(1))
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        scale = 0.2 * max(update.shape) ** 0.5
        weight.sub_(update.view(weight.shape).to(weight.dtype), alpha=group["lr"] * scale)

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
            rule = f"the number of states of AdamW must be {len(self._inner)}, got {len(inner)}"
            raise ValueError(f"{rule}: they belong to other parameters or to an earlier version")
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "inner"})
        for (_, optimizer), state in zip(self._inner, inner, strict=True):
            optimizer.load_state_dict(state)


def _is_matrix(parameter: nn.Parameter) -> bool:
    return parameter.ndim in (2, 4) and not getattr(parameter, "is_embedding", False)


def _orthogonal(matrix: Tensor) -> Tensor:
    """The orthogonal matrix that is nearest to (m, n), roughly, by Newton and Schulz's iteration.

    Its singular values are between about 0.7 and 1.2.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    device = matrix.device.type
    x = (matrix.mT if is_tall else matrix).to(_dtype(device))
    with torch.autocast(device, enabled=False):  # it would make products of float32 half precise
        x = x / x.norm().clamp(min=1e-7)
        is_wide = x.shape[1] > 2 * x.shape[0] and x.dtype == torch.float32
        x = _iterate_on_gram(x) if is_wide else _iterate(x)
    return x.mT.contiguous() if is_tall else x


def _iterate(x: Tensor) -> Tensor:
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _iterate_on_gram(x: Tensor) -> Tensor:
    """As `_iterate`, which is a product of polynomials of x x^T with x: faster if x is wide.

    In half precision it does not converge.
    """
    a, b, c = _COEFFICIENTS
    gram = x @ x.mT
    product = None
    for _ in range(_ITERATIONS):
        step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal().add_(a)
        gram = step @ gram @ step
        product = step if product is None else step @ product
    return product @ x


def _dtype(device: str) -> torch.dtype:
    """The dtype in which a device computes the iteration fast."""
    is_half = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == _HALF
    return _HALF if is_half or device != "cpu" else torch.float32
