"""Helpers for manual optimization, which Lightning does not provide."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.core.optimizer import LightningOptimizer, do_nothing_closure
from torch import Tensor, nn

from textgan.seed import seed_from


@contextmanager
def frozen(modules: Iterable[nn.Module]) -> Iterator[None]:
    """A context in which the modules' parameters get no gradients, but gradients pass through."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def optimizer_step(optimizer: LightningOptimizer) -> None:
    """Step without Lightning's count, which would grow by one for every optimizer of a batch."""
    optimizer._on_before_step = optimizer._on_after_step = do_nothing_closure
    optimizer.step()


def count_one_batch(trainer: Trainer) -> None:
    """Advance `trainer.global_step` by one for a batch, whatever the number of optimizer steps."""
    progress = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    progress.increment_ready()
    progress.increment_completed()


def gather(module: LightningModule, tensor: Tensor) -> Tensor:
    """(B, ...) -> (B * processes, ...) in the order of the ranks, with gradients.

    Every process must call it, with the same shape.
    """
    if module.trainer.world_size == 1:
        return tensor
    return module.all_gather(tensor, sync_grads=tensor.requires_grad).flatten(0, 1)


class BatchRandom:
    """Random numbers for a batch, keyed by the seed and the images seen.

    They are the same numbers however many processes share the global batch: each takes its block.

    Args:
        module: a model with `seed` and `seen`, in a trainer.
        size: images of the batch, per process.
        device: where normal numbers are needed.
    """

    def __init__(self, module: LightningModule, size: int, device: torch.device):
        world, rank = module.trainer.world_size, module.trainer.global_rank
        self._keyed = torch.Generator().manual_seed(seed_from(module.seed, module.seen))
        self._world, self._device = world, device
        self._own = slice(rank * size, (rank + 1) * size)

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers of a shape (B, ...)."""
        shape = (self._world * shape[0], *shape[1:])
        return torch.randn(shape, generator=self._keyed)[self._own].to(self._device)

    def uniform(self, size: int) -> list[float]:
        """Numbers in [0, 1), one for each of B images."""
        return torch.rand(self._world * size, generator=self._keyed)[self._own].tolist()


def longest(module: LightningModule, length: int) -> int:
    """The greatest `length` of any process."""
    if module.trainer.world_size == 1:
        return length
    return int(module.all_gather(torch.tensor(length, device=module.device)).max())
