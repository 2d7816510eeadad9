"""What every model here does outside training: draw and be measured."""

from abc import abstractmethod
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from textgan.evaluation import Evaluator
from textgan.metric.base import Metric
from textgan.pipeline import TextToImagePipeline
from textgan.types import Batch


class MeasuredModel(LightningModule):
    """Validation, test and predict of a model that draws; a subclass trains it.

    Args:
        metrics: name -> metric, computed on validation and test data.
        seed: keys the noise of the draws.

    Attributes:
        images_seen: int64, how many pictures training has shown, over all processes.
        composed_config: what a command line composed, for the checkpoint; None without one.
    """

    def __init__(self, metrics: dict[str, Metric], *, seed: int):
        super().__init__()
        self.evaluator, self.seed = Evaluator(metrics, seed=seed), seed
        self.composed_config: dict[str, Any] | None = None
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    @abstractmethod
    def pipeline(self) -> TextToImagePipeline:
        """What draws."""

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.evaluator.update(self.pipeline(), batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.evaluator.update(self.pipeline(), batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Draws for the batch's captions -> (B, C, H, W) in [-1, 1]."""
        pipeline = self.pipeline()
        return pipeline(
            batch.captions, seed=self.seed, indices=batch.index.tolist(), output_type="pt"
        ).images

    def on_validation_epoch_end(self) -> None:
        self._report("val")

    def on_test_epoch_end(self) -> None:
        self._report("test")

    def _report(self, stage: str) -> None:
        values = {f"{stage}/{name}": value for name, value in self.evaluator.compute().items()}
        self.evaluator.reset()
        self.log_dict({**values, "step": float(self.images_seen)}, rank_zero_only=False)
