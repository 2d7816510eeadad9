"""The contract of a metric."""

import inspect
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torchmetrics
from PIL import Image
from torch import Tensor, nn

from textgan.types import Evaluation


class Metric(torchmetrics.Metric):
    """A torchmetrics metric over an `Evaluation`, so that one runner draws once for all metrics.

    The arguments of a constructor are attributes of the same name: the protocol of a number is
    read off them.

    Attributes:
        draws_per_caption: how many draws of each caption `update` looks at.
        edits: whether it looks at draws of edited captions.
        training_pictures: how many training pictures it is shown first, by `update_training`.
        test_only: whether it is left out where a training validates.
        judge: the net that judges whether a picture fits its caption, never one trained against;
            None where there is none.
    """

    draws_per_caption: int = 1
    edits: bool = False
    training_pictures: int = 0
    test_only: bool = False
    judge: nn.Module | None = None
    full_state_update = False

    @abstractmethod
    def update(self, evaluation: Evaluation) -> None:
        """Take in one batch of captions, real pictures and draws."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Name -> value over all batches of all processes.

        A `textgan.types.Measurement` is a float that also says its n, interval and spread. Names
        that are "n" or begin with "n_" count what other values are of.
        """

    def prepare(self) -> None:
        """Load what is needed before the first update; a `MissingWeightsError` leaves it out."""

    def update_training(self, evaluation: Evaluation) -> None:
        """Take in one batch of training pictures, as `evaluation.real`; there are no draws."""

    def observe(self, pipeline: nn.Module, captions: list[str]) -> None:
        """Look at the pipeline itself, once, after the last update."""

    def extractors(self) -> list[nn.Module]:
        """The nets whose features it asks for."""
        return []

    def pictures(self) -> dict[str, Image.Image]:
        """Title -> a picture for the report, after `compute`."""
        return {}

    def histograms(self) -> dict[str, dict[str, Tensor]]:
        """Title -> name -> values (n,), drawn over one another in the report, after `compute`."""
        return {}

    def protocol(self) -> dict[str, Any]:
        """All that decides the values beside data and model, fit for JSON."""
        names = inspect.signature(type(self)).parameters
        return {
            "metric": f"{type(self).__module__}.{type(self).__qualname__}",
            "draws_per_caption": self.draws_per_caption,
            "arguments": {name: _plain(getattr(self, name)) for name in names},
        }


def _plain(value: Any) -> Any:
    if isinstance(value, nn.Module):
        if callable(getattr(value, "protocol", None)):
            return value.protocol()
        return f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
