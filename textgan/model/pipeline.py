"""Evaluation and prediction with a saved pipeline."""

from collections.abc import Sequence
from pathlib import Path

from textgan.evaluation.sampled import SampledEvaluation
from textgan.file.home import expanded
from textgan.metric.base import Metric
from textgan.pipeline import TextToImagePipeline
from textgan.training.evaluated import EvaluatedModel


class PipelineModel(EvaluatedModel):
    """A saved pipeline for `textgan test` and `textgan predict`; it cannot be trained.

    Args:
        path: the folder.
        metrics: name -> metric, computed on validation and test data.
        seed: keys the noise of the samples.
        trust: packages beside textgan whose parts the pipeline may contain.

    Raises:
        FileNotFoundError, ValueError: the folder holds no pipeline.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        metrics: dict[str, Metric] | None = None,
        seed: int = 0,
        trust: Sequence[str] = (),
    ):
        super().__init__(SampledEvaluation(metrics or {}, seed=seed), seed=seed)
        self.path = expanded(path)
        self.saved = TextToImagePipeline.from_pretrained(self.path, trust=trust)

    def pipeline(self) -> TextToImagePipeline:
        """The folder's pipeline."""
        return self.saved
