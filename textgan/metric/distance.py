"""Base class of the distances between the features of real images and of samples."""

from abc import abstractmethod

from torch import Tensor, nn

from textgan.metric.feature import TwoSamples
from textgan.types import Measurement


class FeatureDistance(TwoSamples):
    """A distance between two sets of features, whose name tells which features they are.

    Attributes:
        standard: the name for the features that the distance is defined on, as "fid"; the
            extractor's `standard_suffix` is added to it.
        other: the name for other features, as "fd"; the extractor's class is added, as fd_pixels.
        at_least: the number of images of each kind that the distance needs.

    Args:
        extractor: as in `FeatureMetric`.
        name: the name of the value; None means `standard` for the 2048 features of Inception's last
            pooling layer, `standard` with _768 and so on for its other features, and `other` with
            the class for other networks.

    Raises:
        ValueError: the name is that of another distance.
    """

    standard: str
    other: str
    at_least: int

    def __init__(self, extractor: nn.Module, *, name: str | None = None):
        super().__init__(extractor)
        suffix = getattr(extractor, "standard_suffix", None)
        if suffix is None:
            proper = f"{self.other}_{type(extractor).__name__.lower().lstrip('_')}"
        else:
            proper = self.standard + suffix
        if name is not None and name.startswith(self.standard) and name != proper:
            rule = f"name must not begin with {self.standard} unless it is {proper!r}"
            raise ValueError(f"{rule}, the name for these features, got {name!r}")
        self.name = name or proper

    def compute(self) -> dict[str, float]:
        """`name` -> the distance, "n" -> the number of samples, over all processes.

        Raises:
            TooFewError: there are fewer than `at_least` images of a kind.
        """
        real, draws = self.samples(self.at_least)
        n = min(len(real), len(draws))
        return {self.name: self.distance(real, draws, n=n), "n": float(n)}

    @abstractmethod
    def distance(self, real: Tensor, draws: Tensor, *, n: int) -> Measurement:
        """The distance between features (n, D) and (m, D), both float64."""
