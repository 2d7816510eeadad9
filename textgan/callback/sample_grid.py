"""Grids of samples during training, always of the same captions and noise."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from PIL import Image

from textgan.callback.interval import ImageInterval
from textgan.image import captioned_grid, save_png
from textgan.types import Batch


class SampleGrid(pl.Callback):
    """Writes a captioned grid to `<run>/samples/<images seen>.png` and to the loggers.

    It does so at the start, every `every_images` images and at the end of training, and after a
    test, on the first process.

    Args:
        every_images: images seen between two grids, over all processes; 0 means only at the start
            and the end.
        captions: captions of the samples; None means the first ones of the val or tested split.
        number: greatest number of captions.
        seed: keys the noise.
    """

    def __init__(
        self,
        *,
        every_images: int,
        captions: list[str] | None = None,
        number: int = 16,
        seed: int = 0,
    ):
        if number < 1:
            raise ValueError(f"number must be at least 1, got {number}")
        if captions is not None and not captions:
            raise ValueError("captions must hold at least one caption, or be null")
        self.interval = ImageInterval(every_images)
        self.captions, self.number, self.seed = captions, number, seed
        self._drawn_at: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.interval.start(int(pl_module.images_seen))
        if trainer.is_global_zero:
            self.captions = self.captions or first_captions(
                trainer.datamodule.val_dataloader(), self.number
            )
            if int(pl_module.images_seen) == 0:
                self._draw(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        if self.interval.crossed(int(pl_module.images_seen)) and trainer.is_global_zero:
            self._draw(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero and self._drawn_at != int(pl_module.images_seen):
            self._draw(trainer, pl_module)

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self.captions = self.captions or first_captions(trainer.test_dataloaders, self.number)
            self._draw(trainer, pl_module)

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        images_seen = int(pl_module.images_seen)
        captions = self.captions[: self.number]
        images = pl_module.pipeline().sample(captions, seed=self.seed)
        save_grid(trainer, captioned_grid(images, captions), images_seen)
        self._drawn_at = images_seen


def first_captions(loader: Iterable[Batch], number: int) -> list[str]:
    """The first distinct captions of a loader, at most `number`."""
    found: dict[str, None] = {}
    for batch in loader:
        found |= dict.fromkeys(batch.captions)
        if len(found) >= number:
            break
    return list(found)[:number]


def save_grid(trainer: pl.Trainer, grid: Image.Image, images_seen: int) -> None:
    """Write a grid to the run folder, and to those loggers that show images."""
    save_png(grid, Path(trainer.default_root_dir) / "samples" / f"{images_seen:09d}.png")
    for logger in trainer.loggers:
        log_image(logger, "samples", grid, images_seen)


def log_image(logger: pl.loggers.Logger, name: str, image: Image.Image, images_seen: int) -> None:
    """Pass an image to a logger if it shows images (Weights & Biases, TensorBoard)."""
    if hasattr(logger, "log_image"):
        logger.log_image(name, [image], step=images_seen)
    elif hasattr(logger.experiment, "add_image"):
        array = np.asarray(image.convert("RGB"))  # (H, W, 3)
        logger.experiment.add_image(name, array, images_seen, dataformats="HWC")
