"""Interpolation between the features of two captions, and between two noises."""

import torch
from torch import Tensor

from textgan.types import TextFeatures


def between_texts(ends: TextFeatures, shares: Tensor) -> TextFeatures:
    """Interpolate the features of two captions linearly, at S shares in [0, 1].

    A word that only the longer caption has starts at zero, or fades to zero. Features of 16 bits
    are interpolated in 32.
    """
    wide = torch.promote_types(ends.pooled.dtype, torch.float32)
    share = shares[:, None].to(wide)
    mask = torch.lerp(*ends.mask.to(wide), share) > 0  # (S, L)
    pooled = torch.lerp(*ends.pooled.to(wide), share)  # (S, D)
    known = (ends.words * ends.mask[..., None]).to(wide)
    words = torch.lerp(known[0], known[1], share[..., None])  # (S, L, D)
    return TextFeatures(words.to(ends.words.dtype), mask, pooled.to(ends.pooled.dtype))


def between_noises(ends: Tensor, shares: Tensor) -> Tensor:
    """Interpolate two noises (2, *shape) spherically, at S shares in [0, 1] -> (S, *shape).

    On a straight line, normal noise of many numbers would be too short in the middle (White 2016,
    "Sampling Generative Networks"). The length changes linearly.
    """
    flat, shares = ends.flatten(1).double(), shares.double()
    lengths = flat.norm(dim=1)  # (2,)
    share = shares[:, None]
    one, two = flat / lengths[:, None]
    angle = torch.arccos((one @ two).clamp(-1, 1))  # NaN if a length is 0
    if angle.sin() >= 1e-6:
        arc = ((1 - share) * angle).sin() * one + (share * angle).sin() * two
        mixed = arc / angle.sin() * torch.lerp(lengths[0], lengths[1], share)
    else:  # equal or opposite directions, or no direction: there is no shortest arc
        mixed = torch.lerp(flat[0], flat[1], share)
    return mixed.unflatten(1, ends.shape[1:]).to(ends.dtype)
