"""Ends a run after a signal: after the step, on all processes alike."""

import signal
from typing import Any

import pytorch_lightning as pl
import torch
from torch.distributed import ReduceOp

from textgan.process.stop import Stop, name_of, signals


class Ending(pl.Callback):
    """Ends training or prediction after the batch in which SIGTERM, SIGHUP or Ctrl-C came.

    The processes of a training agree after each batch, as the signal may reach only one of them.
    Validation and test on their own end at once, since nothing of them can be kept. In a program
    that is no command of textgan, only Ctrl-C is handled, and only during training.
    """

    def __init__(self) -> None:
        self._started_signals = False
        self._signal = 0  # for which all processes have agreed to end
        self._common_batches = 0  # of the present validation, that every process has

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if signals.active:
            # Lightning's own handler ends a run with status 0 and calls a collective operation.
            # Its handler of Slurm's signal for requeueing stays.
            trainer._signal_connector._sigterm_notifier_fn = _do_nothing

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not signals.active:  # this is a notebook or another program, no command of textgan
            signals.start([signal.SIGINT])
            self._started_signals = True
        signals.patient = True

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        signals.patient = True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any, **more: Any
    ) -> None:
        self._signal = self.agreed_signal(trainer)
        if self._signal:  # loggers get their values after this hook, so the next one ends the run
            self.keep(trainer, pl_module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        self._stop_training(pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if _within_training(trainer):
            self._stop_training(pl_module)
            batches = min(sum(trainer.num_val_batches), 2**31)
            self._common_batches = _reduce(trainer, int(batches), ReduceOp.MIN)

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any, **more: Any
    ) -> None:
        if not _within_training(trainer) or self._common_batches == 0:
            return
        self._common_batches -= 1  # after these, some processes have no batch and cannot agree
        self._signal = self.agreed_signal(trainer)
        if self._signal:
            self.keep(trainer, pl_module)
        self._stop_training(pl_module)

    def on_predict_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *given: Any
    ) -> None:
        if signals.asked:
            _, _, batch_idx, *_ = given
            done, total = batch_idx + 1, sum(trainer.num_predict_batches)
            said = f"stopped by {name_of(signals.asked)} after {done} of {total} batches"
            raise Stop(signals.asked, said)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._give_back()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._give_back()

    def agreed_signal(self, trainer: pl.Trainer) -> int:
        """The signal that reached any process, or 0; every process must call it."""
        return _reduce(trainer, signals.asked, ReduceOp.MAX)

    def keep(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the state of the training before it ends; a subclass may override it."""

    def _stop_training(self, pl_module: pl.LightningModule) -> None:
        if self._signal:
            seen = int(pl_module.images_seen)
            raise Stop(self._signal, f"stopped by {name_of(self._signal)} at {seen:,} images")

    def _give_back(self) -> None:
        if self._started_signals:
            signals.end()
        self._started_signals = False


def _within_training(trainer: pl.Trainer) -> bool:
    return trainer.state.fn == "fit" and not trainer.sanity_checking


def _reduce(trainer: pl.Trainer, number: int, how: ReduceOp.RedOpType) -> int:
    if trainer.world_size == 1:
        return number
    tensor = torch.tensor(number, device=trainer.strategy.root_device)
    torch.distributed.all_reduce(tensor, op=how)
    return int(tensor)


def _do_nothing(*_: Any) -> None:
    pass
