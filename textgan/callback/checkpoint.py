"""Writes last.ckpt and best.ckpt atomically into the run folder."""

import io
from math import isfinite
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from textgan.callback.ending import Ending
from textgan.callback.interval import ImageInterval
from textgan.checkpoint.finite import broken_training
from textgan.comparison.direction import direction
from textgan.errors import ConfigError
from textgan.file.atomic import remove_leftovers, whole


class DirectIO(TorchCheckpointIO):
    """Writes a checkpoint directly to its path; Lightning's own needs as much space in /tmp too."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        content = io.BytesIO()  # on a full disk torch's own error does not name the reason
        torch.save(checkpoint, content)
        Path(path).write_bytes(content.getbuffer())


class Checkpoint(Ending, LightningCheckpoint):
    """Writes `last.ckpt` every `every_images` images, and at the end or a signal.

    With `monitor`, it also writes `best.ckpt` after each validation with a better value than all
    before. A file is written beside the old one, flushed to the disk and then moved over it, so
    that a crash at any moment leaves a file that loads. SIGTERM, SIGHUP and Ctrl-C wait for the end
    of a step, so that a resumed run continues exactly; a second signal does not wait. If a weight
    or the state of an optimizer is NaN or infinite, the files are kept and the run stops.

    Args:
        every_images: images seen between two checkpoints, over all processes; 0 means only at the
            end.
        monitor: the metric of the val split that selects the best, such as val/shape_alignment/all;
            None writes no best.ckpt.
        mode: "max" or "min", the better direction; None chooses it for the metrics of textgan.
    """

    def __init__(self, *, every_images: int, monitor: str | None = None, mode: str | None = None):
        super().__init__()
        if mode not in ("max", "min", None):
            raise ValueError(f'mode must be "max", "min" or null, got {mode!r}')
        if monitor is not None and mode is None:
            mode = {"higher": "max", "lower": "min"}.get(direction(monitor))
            if mode is None:
                raise ValueError(f'mode must be "max" or "min" for {monitor!r}, got null')
        self.interval = ImageInterval(every_images)
        self.monitor, self.mode, self.best = monitor, mode, None
        self._saved_at: int | None = None
        self._loops: dict[str, Any] = {}  # the state of training before the present validation
        self._validated = True

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            remove_leftovers(Path(trainer.default_root_dir))
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
            trainer.strategy.checkpoint_io = DirectIO()
        evaluation = getattr(pl_module, "evaluation", None)
        if self.monitor is None or evaluation is None:
            return
        known = [f"val/{name}" for name in evaluation.names]
        if "/".join(self.monitor.split("/")[:2]) not in known:
            names = ", ".join(known) or "none, since metric=[]"
            raise ConfigError(f"monitor must be of a metric, here {names}, got {self.monitor!r}")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self.interval.start(int(pl_module.images_seen))
        last = Path(trainer.default_root_dir) / "last.ckpt"
        if trainer.ckpt_path and Path(trainer.ckpt_path).resolve() == last.resolve():
            self._saved_at = int(pl_module.images_seen)  # a finished run's file is kept

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        if self.interval.crossed(int(pl_module.images_seen)):
            self._save(trainer, int(pl_module.images_seen))
        self._loops = trainer.fit_loop.state_dict()
        super().on_train_batch_end(trainer, pl_module)

    def keep(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._saved_at != int(pl_module.images_seen):
            self._save(trainer, int(pl_module.images_seen))

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        broken = broken_training(pl_module, checkpoint["optimizer_states"])
        if broken is not None:
            raise FloatingPointError(
                f"training stopped at {int(pl_module.images_seen)} images: {broken} is not finite; "
                "try a smaller learning rate or a larger gradient penalty"
            )
        if trainer.validating and not self._validated:
            # A run resumed within a validation would evaluate only the rest of its images.
            checkpoint["loops"]["fit_loop"] = self._loops

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_validation_start(trainer, pl_module)
        self._validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validated = True
        if self.monitor is None or trainer.state.fn != "fit":
            return
        known = {n: v for n, v in trainer.callback_metrics.items() if n.startswith("val/")}
        if self.monitor not in known:
            names = ", ".join(sorted(known)) or "of the val split, which has none"
            raise ConfigError(f"monitor must be one of the metrics {names}, got {self.monitor!r}")
        # The processes must agree on whether to write.
        value = trainer.strategy.broadcast(float(known[self.monitor]))
        sign = 1 if self.mode == "max" else -1
        if isfinite(value) and (self.best is None or sign * value > sign * self.best):
            self.best = value
            self._write(trainer, "best.ckpt")

    def state_dict(self) -> dict[str, Any]:
        return {"monitor": self.monitor, "mode": self.mode, "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if (state_dict["monitor"], state_dict["mode"]) == (self.monitor, self.mode):
            self.best = state_dict["best"]

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.keep(trainer, pl_module)
        super().on_train_end(trainer, pl_module)

    def _save(self, trainer: pl.Trainer, images_seen: int) -> None:
        self._write(trainer, "last.ckpt")
        self._saved_at = images_seen

    def _write(self, trainer: pl.Trainer, name: str) -> None:
        path = Path(trainer.default_root_dir) / name
        if trainer.is_global_zero:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path, durable=True) as beside:
                trainer.save_checkpoint(beside, weights_only=False)
        else:  # saving is collective: every process must take part
            trainer.save_checkpoint(path, weights_only=False)
        # If a process ended before the file is in its place, the others would be killed.
        trainer.strategy.barrier("textgan.checkpoint")
