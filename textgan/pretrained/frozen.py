"""Networks that are used and never trained, and hashes of weights."""

import hashlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from textgan.layer.hidden import Hidden


class Frozen(Hidden):
    """A hidden network whose parameters take no gradient; gradients pass through to its input.

    Args:
        net: the network.

    Attributes:
        lineage: () -> hashes of the network and of its ancestors, before any conversion. A model
            that was trained against the network must not be evaluated by a network with one of
            these hashes (`textgan.judge.Judge`).
    """

    def __init__(self, net: nn.Module):
        super().__init__(net.requires_grad_(False))
        known = getattr(net, "lineage", None)
        self._lineage = known() if callable(known) else frozenset({weights_hash(net)})

    def lineage(self) -> frozenset[str]:
        return self._lineage

    def forward(self, *inputs: Any) -> Any:
        return self.net(*inputs)


def lineage_of(model: nn.Module) -> set[str]:
    """Hashes of the networks in a model that could evaluate images, and of their ancestors."""
    networks = [part for part in model.modules() if callable(getattr(part, "lineage", None))]
    return {digest for network in networks for digest in network.lineage()}


def weights_hash(net: nn.Module) -> str:
    """SHA-256 over all tensors of the network's state dict, sorted by name."""
    return tensors_hash(sorted(net.state_dict().items()))


def tensors_hash(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """SHA-256 over the names, types, shapes and bytes of tensors, in the given order."""
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
