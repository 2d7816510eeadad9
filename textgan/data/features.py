"""Features that a frozen network computes of the images of a data set, once."""

from collections.abc import Callable, Sequence

import torch
from pytorch_lightning.utilities import rank_zero_only
from rich.progress import track
from torch import Tensor

from textgan.file.feature_cache import FeatureCache
from textgan.image import from_uint8

_MANY = 500  # from here on it takes seconds, so a bar is shown
_BATCH = 64


def features_of(
    squares: Sequence[Tensor],
    compute: Callable[[Tensor], Tensor],
    *,
    network: str,
    mirror: bool,
    cache: FeatureCache,
) -> Tensor:
    """Compute the features of images, or read them from the disk.

    Args:
        squares: N images, each (C, H, W) uint8.
        compute: images (B, C, H, W) in [-1, 1] -> their features (B, ...).
        network: names everything that decides the features besides the pixels.
        mirror: whether the features of the mirror images are computed too.
        cache: where they are kept.

    Returns:
        (N, 1, ...), or (N, 2, ...) with those of the mirror image.
    """
    views = []
    for name in ("states", "states of the mirror image")[: 1 + mirror]:
        found = cache.get(network, name, squares)
        if found is None:
            found = _computed(squares, compute, is_mirrored=bool(views))
            cache.put(network, name, squares, found)
        views.append(found)
    return torch.stack(views, 1)


def _computed(
    squares: Sequence[Tensor], compute: Callable[[Tensor], Tensor], *, is_mirrored: bool
) -> Tensor:
    batches = [squares[i : i + _BATCH] for i in range(0, len(squares), _BATCH)]
    hidden = len(squares) < _MANY or rank_zero_only.rank != 0
    text = f"features of {len(squares):,}{' mirrored' if is_mirrored else ''} images"
    found = []
    for batch in track(batches, text, transient=True, disable=hidden):
        pixels = from_uint8(torch.stack(list(batch)))  # (B, C, H, W)
        found.append(compute(pixels.flip(-1) if is_mirrored else pixels).cpu())
    return torch.cat(found)
