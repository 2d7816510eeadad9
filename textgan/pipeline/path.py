"""What lies between two captions, and between two noises."""

import torch
from torch import Tensor

from textgan.types import TextFeatures


def between_texts(ends: TextFeatures, shares: Tensor) -> TextFeatures:
    """Two captions' features, and S shares in [0, 1] -> S captions' features, on a straight line.

    A word that only the longer caption has comes out of nothing, or fades into it. Features of 16
    bits stay such, and are mixed in 32.
    """
    wide = torch.promote_types(ends.pooled.dtype, torch.float32)
    share = shares[:, None].to(wide)
    mask = torch.lerp(*ends.mask.to(wide), share) > 0  # (S, L)
    pooled = torch.lerp(*ends.pooled.to(wide), share)  # (S, D)
    known = (ends.words * ends.mask[..., None]).to(wide)
    words = torch.lerp(known[0], known[1], share[..., None])  # (S, L, D)
    return TextFeatures(words.to(ends.words.dtype), mask, pooled.to(ends.pooled.dtype))


def between_noises(ends: Tensor, shares: Tensor) -> Tensor:
    """Two noises (2, *shape), and S shares in [0, 1] -> (S, *shape), on an arc.

    On a straight line a normal noise of many numbers would be too short midway (White 2016,
    "Sampling Generative Networks"). The length goes evenly from the one's to the other's.
    """
    flat, shares = ends.flatten(1).double(), shares.double()
    lengths = flat.norm(dim=1)  # (2,)
    share = shares[:, None]
    if not lengths.all():
        mixed = torch.lerp(flat[0], flat[1], share)
    else:
        one, two = flat / lengths[:, None]
        angle = torch.arccos((one @ two).clamp(-1, 1))
        if angle.sin() < 1e-6:  # the same direction, or the opposite one: no arc is the shortest
            mixed = torch.lerp(flat[0], flat[1], share)
        else:
            arc = ((1 - share) * angle).sin() * one + (share * angle).sin() * two
            mixed = arc / angle.sin() * torch.lerp(lengths[0], lengths[1], share)
    return mixed.unflatten(1, ends.shape[1:]).to(ends.dtype)
