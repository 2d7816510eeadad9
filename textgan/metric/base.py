"""The contract of a metric."""

from abc import abstractmethod

import torchmetrics

from textgan.types import Evaluation


class Metric(torchmetrics.Metric):
    """A torchmetrics metric over an `Evaluation`, so that one runner draws once for all metrics.

    Attributes:
        draws_per_caption: how many draws of each caption `update` looks at.
        edits: whether it looks at draws of edited captions.
        reference: whether it looks at real pictures.
    """

    draws_per_caption: int = 1
    edits: bool = False
    reference: bool = False
    full_state_update = False

    @abstractmethod
    def update(self, evaluation: Evaluation) -> None:
        """Take in one batch of captions, real pictures and draws."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Name -> value over all batches of all processes."""
