"""What every net that scores pictures against captions is."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Judge(nn.Module, ABC):
    """Encodes pictures and captions into one space; frozen, in eval mode.

    The cosine similarity of the two encodings is its opinion of how well they fit. It must not
    judge draws of a model that was trained to please it, or a relative of it: see `lineage`.
    """

    @abstractmethod
    def load(self) -> None:
        """Read the weights, unless that was done; a `MissingWeightsError` where none are named.

        Construction reads nothing, so that a missing file only costs the metrics that need it.
        """

    @abstractmethod
    def encode_images(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [-1, 1] -> (B, D) float32, of any length."""

    @abstractmethod
    def encode_texts(self, captions: list[str]) -> Tensor:
        """B captions -> (B, D) float32, of any length."""

    @abstractmethod
    def lineage(self) -> frozenset[str]:
        """Hashes of its own weights and of all those that it was trained from.

        See `textgan.pretrained.frozen.weights_hash`.
        """

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """All that decides its opinion, fit for JSON: weights, tokenizer, how pictures are read."""

    def train(self, mode: bool = True) -> "Judge":
        """Stays in eval mode."""
        return super().train(False)
