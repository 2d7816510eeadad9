"""Evaluation of models that generate images from captions, or images from images."""

from collections.abc import Callable, Collection
from typing import Any

import torch

from textgan.evaluation.base import Evaluation, Split
from textgan.evaluation.report import Origin, Report, collect
from textgan.evaluation.runner import Evaluator, Sampler, by_captions
from textgan.file.feature_cache import FeatureCache, default_folder
from textgan.metric.base import Metric
from textgan.pipeline import Pipeline
from textgan.types import Batch


class SampledEvaluation(Evaluation[Pipeline]):
    """Generates images for each caption of a split, and computes all metrics from them.

    Args:
        metrics: name -> metric.
        seed: keys the noise of the samples.
        sampler: pipeline -> how it generates the images of a batch, by default from its captions.

    Raises:
        ValueError: a metric needs reconstructions, and the images are samples of captions.
    """

    def __init__(
        self,
        metrics: dict[str, Metric],
        *,
        seed: int,
        sampler: Callable[[Any], Sampler] = by_captions,
    ):
        if sampler is by_captions:
            for name, metric in metrics.items():
                if metric.compares_reconstructions:
                    raise ValueError(
                        f"metric {name} compares images with their reconstructions, so that it "
                        "needs an autoencoder: leave it out"
                    )
        self._sampler = sampler
        self.evaluator = Evaluator(metrics, seed=seed, cache=FeatureCache(default_folder()))

    @property
    def skipped(self) -> dict[str, str]:
        return self.evaluator.skipped

    @property
    def names(self) -> list[str]:
        return list(self.evaluator.metrics)

    @property
    def only_testing(self) -> list[str]:
        return [name for name, metric in self.evaluator.metrics.items() if metric.test_only]

    def prepare(self, *, device: torch.device, trained_against: Collection[str]) -> None:
        self.evaluator.prepare(testing=False, device=device, trained_against=trained_against)

    def begin(self, pipeline: Pipeline, split: Split) -> None:
        training = {} if split.training is None else {"training": split.training}
        self.evaluator.begin(pipeline, testing=split.testing, captions=split.captions, **training)

    def update(self, pipeline: Pipeline, batch: Batch) -> None:
        self.evaluator.update(self._sampler(pipeline), batch)

    def finish(self, pipeline: Pipeline) -> None:
        self.evaluator.finish(pipeline)

    def compute(self) -> dict[str, float]:
        return self.evaluator.compute()

    def report(self, values: dict[str, float], pipeline: Pipeline, origin: Origin) -> Report:
        return collect(self.evaluator, values, pipeline, origin)
