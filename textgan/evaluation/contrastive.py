"""Evaluation of models that score how well images and captions match."""

from collections.abc import Sequence

from textgan.evaluation.base import Evaluation, Origin, Split
from textgan.evaluation.examination import Examination
from textgan.evaluation.report import Report, examined
from textgan.pipeline import ContrastivePipeline
from textgan.types import Batch


class ContrastiveEvaluation(Evaluation[ContrastivePipeline]):
    """Retrieval, near misses and zero-shot classification on a split.

    Args:
        templates: turn the name of a class into a caption, as "a photo of a {}".
    """

    def __init__(self, templates: Sequence[str]):
        self.examination, self.skipped = Examination(templates), {}

    def begin(self, pipeline: ContrastivePipeline, split: Split) -> None:
        self.examination.begin(names=split.class_names, labels=split.labels)

    def update(self, pipeline: ContrastivePipeline, batch: Batch) -> None:
        self.examination.update(pipeline, batch)

    def compute(self) -> dict[str, float]:
        return self.examination.compute()

    def report(
        self, values: dict[str, float], pipeline: ContrastivePipeline, origin: Origin
    ) -> Report:
        return examined(self.examination, values, pipeline, **vars(origin))
