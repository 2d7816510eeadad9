"""How a model is evaluated on a split, whatever it generates."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from textgan.evaluation.report import Report
from textgan.types import Batch

P = TypeVar("P")


@dataclass
class Split:
    """A split of the data, as an evaluation sees it.

    Attributes:
        testing: whether it is the test split, whose evaluation may take longer.
        captions: () -> training captions; None where the data has no data module.
        training: how many at most -> this process's share of the training images; None where the
            evaluated split is the training split itself, or there is no data module.
        class_names: names of the classes, if the data has any.
        labels: (rows of the split,) int64, the class of each image; None without classes.
    """

    testing: bool = False
    captions: Callable[[], list[str]] | None = None
    training: Callable[[int], Iterable[Batch]] | None = None
    class_names: Sequence[str] = ()
    labels: Tensor | None = None


@dataclass
class Origin:
    """Facts for the report that an evaluation does not know itself.

    Attributes:
        source: the file or folder that the model came from; None if it was not saved.
        images_seen: number of training images; None where nobody knows.
        data: class and split of the data.
        precision: Lightning's name of the numeric precision.
    """

    source: str | None = None
    images_seen: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    precision: str = "32-true"


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
        """Find mistakes in what will be evaluated, before hours of training.

        Args:
            device: where the metrics compute.
            trained_against: hashes of frozen networks that may not judge the model.

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
        """Compute what looks at the pipeline itself, such as its speed; on one process only."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """`metric/name` -> value, over all batches of all processes."""

    @abstractmethod
    def report(self, values: dict[str, float], pipeline: P, origin: Origin) -> Report:
        """The values with the protocol of each.

        Args:
            values: what `compute` returned.
            pipeline: what was evaluated.
            origin: where model and data come from.
        """
