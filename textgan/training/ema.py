"""An exponential moving average whose half-life is counted in images."""

import copy

import torch
from torch import nn


class ImageEMA(nn.Module):
    """Averaged copies of modules; frozen parameters are shared with the originals, not copied.

    Buffers, such as the statistics of a normalisation, are not averaged: they are the present ones.

    The half-life is counted in images as in EDM2 (Karras et al. 2024), and at the start of a run it
    is only `ramp` of the images seen.

    Args:
        modules: name -> module to follow.
        half_life_images: number of images after which the weight of an old value is halved.
        ramp: the half-life is at most this share of the images seen so far.
    """

    def __init__(
        self, modules: dict[str, nn.Module], *, half_life_images: float, ramp: float = 0.05
    ):
        super().__init__()
        self.half_life_images, self.ramp = half_life_images, ramp
        frozen = [p for m in modules.values() for p in m.parameters() if not p.requires_grad]
        self.averaged = copy.deepcopy(nn.ModuleDict(modules), {id(p): p for p in frozen})
        self.averaged.requires_grad_(False)

    @torch.no_grad()
    def update(self, modules: dict[str, nn.Module], *, images: int, images_seen: int) -> None:
        """Update the averages after `images` more training images, `images_seen` in all."""
        half_life = min(self.half_life_images, max(self.ramp * images_seen, 1e-9))
        pairs = [
            (ours, theirs)
            for name, module in modules.items()
            for ours, theirs in zip(
                self.averaged[name].parameters(), module.parameters(), strict=True
            )
            if theirs.requires_grad
        ]
        torch._foreach_lerp_(
            [a for a, _ in pairs], [b for _, b in pairs], 1 - 0.5 ** (images / half_life)
        )
        for name, module in modules.items():
            for ours, theirs in zip(self.averaged[name].buffers(), module.buffers(), strict=True):
                ours.copy_(theirs)

    def copy_from(self, modules: dict[str, nn.Module]) -> None:
        """Start again from `modules`, tokenizer included."""
        for name, module in modules.items():
            self.averaged[name].load_state_dict(module.state_dict())
