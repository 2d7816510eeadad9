"""The contract of a network that scores images against captions."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Judge(nn.Module, ABC):
    """Encodes images and captions into one space; frozen, in eval mode.

    Its score is the cosine similarity of the two encodings. It must not evaluate a model that was
    trained against it, or against a network of the same `lineage`.
    """

    @abstractmethod
    def load(self) -> None:
        """Read the weights, unless they are read; a `MissingWeightsError` where none are named.

        Construction reads nothing, so that a missing file affects only the metrics that need it.
        """

    @abstractmethod
    def encode_images(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> (B, D) float32, of any length."""

    @abstractmethod
    def encode_texts(self, captions: list[str]) -> Tensor:
        """B captions -> (B, D) float32, of any length."""

    @abstractmethod
    def lineage(self) -> frozenset[str]:
        """Hashes of its own weights and of all weights that it was trained from.

        See `textgan.pretrained.frozen.weights_hash`.
        """

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """Everything that decides its scores, as JSON values: weights, tokenizer, preprocessing."""

    def train(self, mode: bool = True) -> "Judge":
        """Stay in eval mode."""
        return super().train(False)
