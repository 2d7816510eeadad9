"""The contract of an evaluation of a model on a split of the data."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from textgan.evaluation.report import Origin, Report
from textgan.types import Batch

P = TypeVar("P")


@dataclass
class Split:
    """A split of the data, with the facts that an evaluation needs.

    Attributes:
        testing: whether it is the test split, whose evaluation may take longer.
        captions: () -> training captions; None where the data has no data module.
        training: largest number -> this process's share of the training images; None where the
            evaluated split is the training split itself, or there is no data module.
        class_names: names of the classes, if the data have any.
        labels: (rows of the split,) int64, the class of each image; None without classes.
    """

    testing: bool = False
    captions: Callable[[], list[str]] | None = None
    training: Callable[[int], Iterable[Batch]] | None = None
    class_names: Sequence[str] = ()
    labels: Tensor | None = None


class Evaluation(ABC, Generic[P]):
    """Evaluates a pipeline of kind P: `begin`, `update` for each batch, `finish`, `compute`.

    Attributes:
        skipped: name of a metric -> why it is left out.
    """

    skipped: dict[str, str]

    @property
    def names(self) -> list[str]:
        """Names of the metrics that validation computes."""
        return []

    @property
    def only_testing(self) -> list[str]:
        """Names of the metrics that only a test computes."""
        return []

    def prepare(self, *, device: torch.device, trained_against: Collection[str]) -> None:
        """Check that the metrics can be computed, before hours of training.

        Args:
            device: where the metrics compute.
            trained_against: hashes of frozen networks that must not evaluate the model.

        Raises:
            ConfigError: a metric cannot be computed.
        """

    @abstractmethod
    def begin(self, pipeline: P, split: Split) -> None:
        """Forget earlier batches, and load what the metrics need."""

    @abstractmethod
    def update(self, pipeline: P, batch: Batch) -> None:
        """Evaluate a batch of this process."""

    def finish(self, pipeline: P) -> None:
        """Measure the pipeline itself, such as its speed; on one process only."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """`metric/name` -> value, over all batches of all processes."""

    @abstractmethod
    def report(self, values: dict[str, float], pipeline: P, origin: Origin) -> Report:
        """The values with the protocol of each.

        Args:
            values: the result of `compute`.
            pipeline: the evaluated pipeline.
            origin: where model and data come from.
        """
