"""Grids of search results during training."""

import pytorch_lightning as pl

from textgan.callback.sample_grid import save_grid


class SearchGrid(pl.Callback):
    """Writes a grid to `<run>/samples/<images seen>.png` and to the loggers after each evaluation.

    Each row has a caption, its own image, and the images of the split that are most similar to it.
    """

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer, pl_module)

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer, pl_module)

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero or trainer.sanity_checking:
            return
        grid = pl_module.evaluation.search_grid(pl_module.pipeline())
        save_grid(trainer, grid, int(pl_module.images_seen))
