"""What every frozen net whose features metrics compare is."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn


class FeatureExtractor(nn.Module, ABC):
    """Pictures (B, 3, H, W) uint8 of any size -> features (B, num_features); frozen, in eval mode.

    Several extractors may read one network at different places (`tap`); whoever holds them can ask
    one of them for all outputs in one pass.

    Attributes:
        num_features: width of the features.
        tap: the name of the output that `forward` returns.
        standard_suffix: what is added to "fid" and "kid" for distances in these features: "" for
            those that they are defined on; None for another network's, which must not be called so.
        depth: how far into the network `tap` lies; who reads deep can also output what lies before.
    """

    num_features: int
    tap: str
    depth: int
    standard_suffix: str | None = None

    @abstractmethod
    def load(self) -> None:
        """Read the weights, unless that was done; a `MissingWeightsError` where none are named.

        Construction reads nothing, so that a missing file only costs the metric that needs it.
        """

    @abstractmethod
    def network(self) -> str:
        """Names the network and its weights, by a hash; loaded extractors of equal name agree."""

    @abstractmethod
    def outputs(self, images: Tensor, taps: Iterable[str]) -> dict[str, Tensor]:
        """Tap -> (B, D) float32, of one pass over (B, 3, H, W) uint8."""

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """All that decides the features, fit for JSON: network, weights, tap, resize."""

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, num_features)."""
        return self.outputs(images, [self.tap])[self.tap]

    def train(self, mode: bool = True) -> "FeatureExtractor":
        """Stays in eval mode."""
        return super().train(False)
