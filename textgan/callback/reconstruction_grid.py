"""Grids of images and their reconstructions during training."""

from typing import Any

import pytorch_lightning as pl
import torch

from textgan.callback.interval import ImageInterval
from textgan.callback.sample_grid import save_grid
from textgan.image import captioned_grid


class ReconstructionGrid(pl.Callback):
    """Writes a grid to `<run>/samples/<images seen>.png` and to the loggers.

    Each image of the val split, or of the tested one, stands above its reconstruction. It is
    written at the start, every `every_images` images, at the end of training and after a test, on
    the first process.

    Args:
        every_images: images seen between two grids, over all processes; 0 means only at the start
            and the end.
        number: greatest number of images.
    """

    def __init__(self, *, every_images: int, number: int = 8):
        if number < 1:
            raise ValueError(f"number must be at least 1, got {number}")
        self.interval, self.number = ImageInterval(every_images), number
        self._images: dict[str, torch.Tensor] = {}
        self._drawn_at: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.interval.start(int(pl_module.images_seen))
        if trainer.is_global_zero and int(pl_module.images_seen) == 0:
            self._draw(trainer, pl_module, "val")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        if self.interval.crossed(int(pl_module.images_seen)) and trainer.is_global_zero:
            self._draw(trainer, pl_module, "val")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero and self._drawn_at != int(pl_module.images_seen):
            self._draw(trainer, pl_module, "val")

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self._draw(trainer, pl_module, "test")

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule, split: str) -> None:
        if split not in self._images:
            data = trainer.datamodule
            found = data.each_process(data.shown_split(split), limit=self.number)
            self._images[split] = torch.cat([batch.images for batch in found])
        pipeline, images = pl_module.pipeline(), self._images[split]
        again = pipeline.reconstruct(images.to(pipeline.device)).cpu()
        captions = [""] * len(images) + ["reconstruction"] * len(images)
        grid = captioned_grid(torch.cat([images, again]), captions, len(images))
        save_grid(trainer, grid, int(pl_module.images_seen))
        self._drawn_at = int(pl_module.images_seen)
