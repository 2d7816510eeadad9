"""The layers of Inception-v3 as in TensorFlow's inception-2015-12-05, with its names."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

TAPS = {
    "64": "pool",
    "192": "pool_1",
    "768": "mixed_7",
    "1280": "mixed_8",
    "2048": "pool_3",
    "logits": "softmax",
}
"""Name of an output -> the layer that it comes from, shallow to deep."""


def inception_layers(tap: str) -> nn.Sequential:
    """The network up to the layer of `tap`; its "a.b.conv" is a_b_conv in TensorFlow.

    (B, 3, 299, 299) in [-1, 1] -> the maps of that layer, from `pool_3` on (B, 2048) or (B, 1008).
    The convolutions include batch norm. The last layer has no bias.
    """
    layers = OrderedDict(
        conv=_convolution(3, 32, (3, 3), 2, padded=False),  # 149 x 149
        conv_1=_convolution(32, 32, (3, 3), padded=False),  # 147 x 147
        conv_2=_convolution(32, 64, (3, 3)),
        pool=nn.MaxPool2d(3, 2),  # 73 x 73
        conv_3=_convolution(64, 80, (1, 1)),
        conv_4=_convolution(80, 192, (3, 3), padded=False),  # 71 x 71
        pool_1=nn.MaxPool2d(3, 2),  # 35 x 35
        mixed=_fine(192, 32),
        mixed_1=_fine(256, 64),
        mixed_2=_fine(288, 64),
        mixed_3=_Branches(  # 17 x 17
            conv=_convolution(288, 384, (3, 3), 2, padded=False),
            tower=_tower(288, (64, 1, 1), (96, 3, 3), (96, 3, 3), halve=True),
            pool=nn.MaxPool2d(3, 2),
        ),
        mixed_4=_middle(128),
        mixed_5=_middle(160),
        mixed_6=_middle(160),
        mixed_7=_middle(192),
        mixed_8=_Branches(  # 8 x 8
            tower=_tower(768, (192, 1, 1), (320, 3, 3), halve=True),
            tower_1=_tower(768, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3), halve=True),
            pool=nn.MaxPool2d(3, 2),
        ),
        mixed_9=_coarse(1280, _average()),
        mixed_10=_coarse(2048, nn.MaxPool2d(3, 1, 1)),  # max, only in this block
        pool_3=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        softmax=nn.Linear(2048, 1008, bias=False),
    )
    names = list(layers)
    for name in names[names.index(TAPS[tap]) + 1 :]:
        del layers[name]
    return nn.Sequential(layers)


class _Convolution(nn.Conv2d):
    """A convolution with its ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(super().forward(x))


class _Branches(nn.Module):
    """Parallel branches, whose outputs are concatenated along the channels in their order."""

    def __init__(self, **branches: nn.Module):
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def _convolution(
    channels: int, width: int, kernel: Sequence[int], stride: int = 1, *, padded: bool = True
) -> _Convolution:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else 0
    return _Convolution(channels, width, tuple(kernel), stride, padding)


def _tower(channels: int, *steps: tuple[int, int, int], halve: bool = False) -> nn.Sequential:
    """Successive convolutions (width, kernel height, kernel width); `halve`: last stride 2."""
    tower = OrderedDict()
    for number, (width, *kernel) in enumerate(steps):
        is_halved = halve and number == len(steps) - 1
        stride = 2 if is_halved else 1
        name = f"conv_{number}" if number else "conv"
        tower[name] = _convolution(channels, width, kernel, stride, padded=not is_halved)
        channels = width
    return nn.Sequential(tower)


def _average() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def _pooled(pool: nn.Module, channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(pool=pool, conv=_convolution(channels, width, (1, 1))))


def _fine(channels: int, pooled: int) -> _Branches:
    """The blocks mixed to mixed_2: 35 x 35 positions."""
    return _Branches(
        conv=_convolution(channels, 64, (1, 1)),
        tower=_tower(channels, (48, 1, 1), (64, 5, 5)),
        tower_1=_tower(channels, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        tower_2=_pooled(_average(), channels, pooled),
    )


def _middle(width: int) -> _Branches:
    """The blocks mixed_4 to mixed_7: 17 x 17 positions, 7 x 7 kernels as a row and a column."""
    return _Branches(
        conv=_convolution(768, 192, (1, 1)),
        tower=_tower(768, (width, 1, 1), (width, 1, 7), (192, 7, 1)),
        tower_1=_tower(
            768, (width, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7)
        ),
        tower_2=_pooled(_average(), 768, 192),
    )


def _coarse(channels: int, pool: nn.Module) -> _Branches:
    """The blocks mixed_9 and mixed_10: 8 x 8 positions, 3 x 3 kernels as a row beside a column."""
    return _Branches(
        conv=_convolution(channels, 320, (1, 1)),
        tower=_forked(_tower(channels, (384, 1, 1))),
        tower_1=_forked(_tower(channels, (448, 1, 1), (384, 3, 3))),
        tower_2=_pooled(pool, channels, 192),
    )


def _forked(tower: nn.Sequential) -> nn.Sequential:
    row, column = _convolution(384, 384, (1, 3)), _convolution(384, 384, (3, 1))
    tower.add_module("mixed", _Branches(conv=row, conv_1=column))
    return tower
