"""Fixed random mixing of feature maps."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RandomMixing(nn.Module):
    """Mixes the channels and the scales of an image encoder's maps by fixed random convolutions.

    Projected GANs (Sauer et al. 2021) show a discriminator mixed maps, because a discriminator on
    the maps themselves looks at a part of them only. First a random 1x1 convolution mixes the
    channels of each map. Then, from the deepest map upwards, each map is added to the next
    shallower one: by a random 3x3 convolution to its channels, and bilinear upsampling to its size.
    Each image's map is normalised to mean 0 and variance 1 before, since its scale has no meaning.

    The convolutions are never trained. They are in the state dict, since what is trained on them
    needs the same ones.

    Args:
        shapes: (channels, height, width) of the maps, shallow to deep.
    """

    def __init__(self, shapes: list[tuple[int, int, int]]):
        super().__init__()
        widths = [channels for channels, _, _ in shapes]
        for n, width in enumerate(widths):
            self.register_buffer(f"channels_{n}", _random(width, width, kernel=1))
        for n, (here, below) in enumerate(pairwise(widths)):
            self.register_buffer(f"scales_{n}", _random(below, here, kernel=3))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps (B, C_i, H_i, W_i), shallow to deep -> mixed maps of the same shapes."""
        mixed: list[Tensor] = []
        for n in reversed(range(len(maps))):
            x = F.conv2d(F.group_norm(maps[n], 1), self.get_buffer(f"channels_{n}"))
            if mixed:
                # The convolution comes before upsampling: a quarter of the work.
                deeper = F.conv2d(mixed[0], self.get_buffer(f"scales_{n}"), padding=1)
                size = x.shape[-2:]
                x = x + F.interpolate(deeper, size, mode="bilinear", align_corners=False)
            mixed.insert(0, x)
        return mixed


def _random(in_width: int, out_width: int, *, kernel: int) -> Tensor:
    """(out_width, in_width, kernel, kernel), of which an output has the variance of the input."""
    fan_in = in_width * kernel**2
    return torch.randn(out_width, in_width, kernel, kernel) * fan_in**-0.5
