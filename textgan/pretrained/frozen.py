"""Nets that are looked through and never trained."""

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Frozen(nn.Module):
    """Holds a net out of sight of state dicts, optimizers, averages and DDP.

    The net is in eval mode and its parameters take no gradient, but gradients pass through it to
    what it is given. `to(device)` moves it.

    Args:
        net: what is held.

    Attributes:
        lineage: () -> hashes of the net and of its ancestors, as they were before any conversion:
            who trains against it must not be judged by a relative (`textgan.image_encoder.Judge`).
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self._hidden = (net.requires_grad_(False).eval(),)  # no submodule
        known = getattr(net, "lineage", None)
        self._lineage = known() if callable(known) else frozenset({weights_hash(net)})

    @property
    def net(self) -> nn.Module:
        """The net."""
        return self._hidden[0]

    def lineage(self) -> frozenset[str]:
        return self._lineage

    def forward(self, *given: Any) -> Any:
        """What the net says."""
        return self.net(*given)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Frozen":
        self.net._apply(fn, recurse)
        return super()._apply(fn, recurse)


def weights_hash(net: nn.Module) -> str:
    """SHA-256 over the names, types, shapes and bytes of all tensors of the net's state dict."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
