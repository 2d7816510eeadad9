"""Optimizer steps on a budget counted in images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor
from torch.optim import Optimizer

from textgan.schedule import learning_rate_factor
from textgan.training.budget import Budget
from textgan.training.manual import optimizer_step


@dataclass
class Optimized:
    """An optimizer of a training and its parameters.

    Attributes:
        parameters: parameters, or groups of them as torch.optim takes.
        make: parameters -> optimizer.
        start: share of the budget at which its learning rate begins to rise.
    """

    parameters: list[Any]
    make: Callable[[list[Any]], Optimizer]
    start: float = 0.0


class Optimization:
    """Steps optimizers: learning rates over a budget, gradient accumulation and clipping."""

    def __init__(self, budget: Budget):
        self.budget = budget
        self._starts: dict[str, float] = {}
        self._options: list[dict[str, Any]] = []
        self._last_step: dict[str, dict[str, Tensor | float]] = {}

    def make(self, optimized: dict[str, Optimized]) -> list[Optimizer]:
        """Create the optimizers, by name, and remember their configured options."""
        self._starts = {name: each.start for name, each in optimized.items()}
        optimizers = [each.make(each.parameters) for each in optimized.values()]
        self._options = []
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group.setdefault("initial_lr", group["lr"])
            self._options.append({key: group[key] for key in group if key != "params"})
        return optimizers

    def restore(self, optimizers: Sequence[Optimizer]) -> None:
        """Restore the configured options, which a checkpoint has replaced by its own."""
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        for group, options in zip(groups, self._options, strict=True):
            group.update(options)

    def step(
        self,
        model: LightningModule,
        name: str,
        loss: Tensor,
        *,
        seen: int,
        shown: int,
        log: dict[str, Any],
    ) -> None:
        """Backpropagate, and step the optimizer every `accumulate_batches` batches.

        The learning rate of the optimizer's last step and the L2 norm of its gradient before
        clipping are added to `log` as `train/learning_rate/<name>` and
        `train/gradient_norm/<name>`.

        Args:
            model: the owner of the loss and the optimizer.
            name: of the optimizer.
            loss: a scalar.
            seen: images shown before this batch, over all processes.
            shown: images of this batch, over all processes.
            log: key -> value that the training step logs.
        """
        optimizers = model.optimizers()
        optimizers = optimizers if isinstance(optimizers, list) else [optimizers]
        optimizer = optimizers[list(self._starts).index(name)]
        batch = seen // shown
        if batch % self.budget.accumulate_batches == 0:
            optimizer.zero_grad()
        model.manual_backward(loss / self.budget.accumulate_batches)
        if (batch + 1) % self.budget.accumulate_batches == 0:
            self._step(model, optimizer, name, seen / self.budget.total_images)
        log.update(self._last_step.get(name, {}))

    def _step(
        self, model: LightningModule, optimizer: LightningOptimizer, name: str, progress: float
    ) -> None:
        factor = learning_rate_factor(
            progress,
            start=self._starts[name],
            warmup=self.budget.warmup_images / self.budget.total_images,
            decay_start=self.budget.learning_rate_decay_start,
        )
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        scale = _loss_scale(model)
        if self._is_logged(model):
            self._last_step[name] = {
                f"train/learning_rate/{name}": optimizer.param_groups[0]["lr"],
                f"train/gradient_norm/{name}": _gradient_norm(optimizer) / scale,
            }
        if self.budget.gradient_clip_norm is not None:
            model.clip_gradients(
                optimizer, self.budget.gradient_clip_norm * scale, gradient_clip_algorithm="norm"
            )
        optimizer_step(optimizer)

    def _is_logged(self, model: LightningModule) -> bool:
        """Whether the logger writes before the next step, so that the values are needed."""
        trainer = model.trainer
        until = -(trainer.fit_loop.batch_idx + 1) % trainer.log_every_n_steps
        return until < self.budget.accumulate_batches


def _loss_scale(model: LightningModule) -> float:
    """The factor of the gradients before the step; it differs from 1 in 16-mixed only."""
    scaler = getattr(model.trainer.precision_plugin, "scaler", None)
    return 1.0 if scaler is None else scaler.get_scale()


def _gradient_norm(optimizer: LightningOptimizer) -> Tensor:
    """The L2 norm of all gradients of an optimizer together; 0 where there are none.

    The value stays on the gradients' device, so that no step waits for it.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [p.grad for p in parameters if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)
