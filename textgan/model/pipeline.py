"""Measuring and drawing with a pipeline that `save_pretrained` wrote."""

from pathlib import Path

from textgan.home import expanded
from textgan.metric.base import Metric
from textgan.model.base import MeasuredModel
from textgan.pipeline import TextToImagePipeline


class PipelineModel(MeasuredModel):
    """A saved pipeline for `textgan test` and `textgan predict`; it cannot be trained.

    Args:
        path: the folder.
        metrics: name -> metric, computed on validation and test data.
        seed: keys the noise of the draws.

    Raises:
        FileNotFoundError, ValueError: the folder holds no pipeline.
    """

    def __init__(
        self, path: str | Path, *, metrics: dict[str, Metric] | None = None, seed: int = 0
    ):
        super().__init__(metrics or {}, seed=seed)
        self.path = expanded(path)
        self.drawing = TextToImagePipeline.from_pretrained(self.path)

    def pipeline(self) -> TextToImagePipeline:
        """The folder's pipeline."""
        return self.drawing
