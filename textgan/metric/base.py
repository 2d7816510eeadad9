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
    """A torchmetrics metric over an `Evaluation`, so that all metrics share the same samples.

    Each argument of a constructor must be an attribute of the same name, since `protocol` reads it.

    Attributes:
        draws_per_caption: how many samples of each caption `update` uses.
        edits: whether it uses samples of edited captions.
        training_pictures: how many training images `update_training` is given before `update`.
        test_only: whether validation during training leaves it out.
        judge: the network that scores whether an image fits its caption, or None. A model that was
            trained against it must not be evaluated with it.
        compares_reconstructions: whether it has a meaning only for reconstructions of the real
            images, and none for samples of their captions.
    """

    draws_per_caption: int = 1
    edits: bool = False
    training_pictures: int = 0
    test_only: bool = False
    judge: nn.Module | None = None
    compares_reconstructions: bool = False
    full_state_update = False

    @abstractmethod
    def update(self, evaluation: Evaluation) -> None:
        """Add one batch of captions, real images and samples."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Name -> value over all batches of all processes.

        A `textgan.types.Measurement` is a float with its n, interval and spread. The names "n" and
        those that begin with "n_" are counts that other values refer to.
        """

    def prepare(self) -> None:
        """Load the networks before the first update; a `MissingWeightsError` skips the metric."""

    def update_training(self, evaluation: Evaluation) -> None:
        """Add one batch of training images, as `evaluation.real`; it has no samples."""

    def observe(self, pipeline: nn.Module, captions: list[str]) -> None:
        """Measure the pipeline itself, once, after the last update."""

    def extractors(self) -> list[nn.Module]:
        """The networks whose features the metric uses."""
        return []

    def images(self) -> dict[str, Image.Image]:
        """Title -> an image for the report, after `compute`."""
        return {}

    def histograms(self) -> dict[str, dict[str, Tensor]]:
        """Title -> name -> values (n,), for one histogram of the report, after `compute`."""
        return {}

    def protocol(self) -> dict[str, Any]:
        """Everything that decides the values besides data and model, as JSON values."""
        names = inspect.signature(type(self)).parameters
        return {
            "metric": f"{type(self).__module__}.{type(self).__qualname__}",
            "draws_per_caption": self.draws_per_caption,
            "arguments": {name: _plain(getattr(self, name)) for name in names},
        }

    def add_lists(self, *names: str) -> None:
        """Add states that hold rows, which are concatenated over batches and processes."""
        for name in names:
            self.add_state(name, [], dist_reduce_fx="cat")


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
