"""What captions find among the pictures of the val split, as training goes on."""

from pathlib import Path

import pytorch_lightning as pl

from textgan.callback.sample_grid import log_picture
from textgan.image import save_png


class SearchGrid(pl.Callback):
    """Writes `<run>/samples/<images seen>.png` after each validation and test, and to the loggers.

    A row for each caption: the picture that bears it, then the most similar ones.
    """

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer, pl_module)

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer, pl_module)

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero or trainer.sanity_checking:
            return
        images_seen = int(pl_module.images_seen)
        grid = pl_module.evaluation.search_grid(pl_module.pipeline())
        save_png(grid, Path(trainer.default_root_dir) / "samples" / f"{images_seen:09d}.png")
        for logger in trainer.loggers:
            log_picture(logger, "samples", grid, images_seen)
