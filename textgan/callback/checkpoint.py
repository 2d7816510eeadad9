"""last.ckpt in the run folder, whole at every moment."""

import os
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint as LightningCheckpoint

from textgan.callback.interval import ImageInterval


class Checkpoint(LightningCheckpoint):
    """Writes `last.ckpt` every so many images and when training ends.

    The file is written beside the old one, flushed to the disk and then moved over it, so that a
    crash at any moment leaves one that loads.

    Args:
        every_images: images seen between two, over all processes; 0 means at the end only.
    """

    def __init__(self, *, every_images: int):
        self.interval = ImageInterval(every_images)
        self._saved_at: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.interval.start(int(pl_module.images_seen))

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        if self.interval.crossed(int(pl_module.images_seen)):
            self._save(trainer, int(pl_module.images_seen))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._saved_at != int(pl_module.images_seen):
            self._save(trainer, int(pl_module.images_seen))

    def _save(self, trainer: pl.Trainer, images_seen: int) -> None:
        path = Path(trainer.default_root_dir) / "last.ckpt"
        beside = path.with_name(".last.ckpt.part")
        trainer.save_checkpoint(
            beside, weights_only=False
        )  # collective: every process must come here
        if trainer.is_global_zero:
            replace_durably(beside, path)
        self._saved_at = images_seen


def replace_durably(beside: Path, path: Path) -> None:
    """Move a finished file over another of the same folder: at any moment one of them is there."""
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
