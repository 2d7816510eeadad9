"""Pixels as logits."""

import torch
from torch import Tensor

_MARGIN = 0.1


def to_logits(images: Tensor) -> Tensor:
    """Pixels in [-1, 1] -> the logits of 0.8 x + 0.1, for x in [0, 1] (DALL-E 1, its appendix A).

    Without the margin the logit of black or white would be infinite.
    """
    return torch.logit((1 - 2 * _MARGIN) * (images + 1) / 2 + _MARGIN)


def from_logits(logits: Tensor) -> Tensor:
    """The inverse of `to_logits`, clamped to [-1, 1]."""
    return (2 * (torch.sigmoid(logits) - _MARGIN) / (1 - 2 * _MARGIN) - 1).clamp(-1, 1)
