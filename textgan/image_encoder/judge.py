"""What every net that scores pictures against captions is."""

import hashlib
from abc import ABC, abstractmethod
from typing import Any

import torch
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
        """`weights_hash` of its own net, and of every net that it was trained from."""

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """All that decides its opinion, fit for JSON: weights, tokenizer, how pictures are read."""

    def train(self, mode: bool = True) -> "Judge":
        """Stays in eval mode."""
        return super().train(False)


def weights_hash(net: nn.Module) -> str:
    """SHA-256 over the names, types, shapes and bytes of all tensors of the net's state dict."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
