"""Writes one PNG for each caption of `textgan predict`."""

from pathlib import Path

import pytorch_lightning as pl
from torch import Tensor

from textgan.caption.file_name import file_name
from textgan.image import save_png, to_pil
from textgan.types import Batch


class PredictionWriter(pl.Callback):
    """Writes `<run>/predictions/0000_a_caption.png` and so on, numbered like the captions."""

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Tensor,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        folder = Path(trainer.default_root_dir) / "predictions"
        for image, caption, index in zip(
            outputs, batch.captions, batch.index.tolist(), strict=True
        ):
            save_png(to_pil(image), folder / f"{index:04d}_{file_name(caption)}.png")
