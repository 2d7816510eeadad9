"""Inception-v3 as the Frechet inception distance uses it."""

import os
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

_LAST = {64: "pool", 192: "pool_1", 768: "mixed_7", 1280: "mixed_8"}
_SIDE = 299


class Inception(nn.Module):
    """Features of the network that FID is defined on: TensorFlow's inception-2015-12-05, frozen.

    It is not torchvision's Inception-v3: its average pools leave the padding out of the mean, its
    weights are other ones, and pictures are resized as TensorFlow 1 did (`_resize`). Layers bear
    TensorFlow's names. The 64, 192 and 768 features are those of pytorch-fid and torch-fidelity of
    these sizes; 1280 are those of the block `mixed_8`. Each is averaged over the places of its map.

    Args:
        feature: 64, 192, 768 or 1280.
        weights: a .npz file with arrays NAME.weight (out, in, height, width) and NAME.bias for each
            convolution, batch norm folded in; those of later layers are left unread. None takes the
            path from the environment variable TEXTGAN_INCEPTION.

    Raises:
        FileNotFoundError: there is no such file, or none is named.
        ValueError: `feature` is another number, or the file lacks an array or has it in another
            shape.
    """

    def __init__(self, feature: int = 768, *, weights: str | None = None):
        super().__init__()
        if feature not in _LAST:
            raise ValueError(f"feature must be one of {', '.join(map(str, _LAST))}, got {feature}")
        self.num_features = feature
        with torch.device("meta"):  # the weights come from the file, and no random number is drawn
            self.layers = _layers(_LAST[feature])
        path = _find(weights)
        self.layers.load_state_dict(_read(path, self.layers.state_dict()), assign=True)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Inception":
        """Stays in eval mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """RGB pictures (B, 3, H, W) uint8 of any size -> (B, feature)."""
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            shape = tuple(images.shape)
            raise ValueError(f"images must be (B, 3, H, W) uint8, got {shape} {images.dtype}")
        x = (_resize(images.float()) - 128) / 128  # (B, 3, 299, 299)
        x = x.contiguous(memory_format=torch.channels_last)  # 1.5 times faster on a CPU
        return self.layers(x).mean((2, 3))  # (B, feature)


def _resize(images: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 299, 299) as TensorFlow 1's bilinear resize, without antialiasing.

    Output pixel i looks at the input at i * H / 299, not at (i + 0.5) * H / 299 - 0.5 as
    `interpolate` does. The original network has this resize inside, and torch-fidelity follows it,
    so values for small pictures agree with it rather than with torchmetrics' antialiased default.
    """
    for dim in (-1, -2):
        size = images.shape[dim]
        place = torch.arange(_SIDE, device=images.device) * (size / _SIDE)
        low = place.long()
        high = (low + 1).clamp(max=size - 1)
        share = (place - low).unsqueeze(-1) if dim == -2 else place - low
        images = torch.lerp(images.index_select(dim, low), images.index_select(dim, high), share)
    return images


class _Convolution(nn.Conv2d):
    """A convolution with its ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(super().forward(x))


class _Branches(nn.Module):
    """Branches side by side; their outputs' channels are joined in the order of the branches."""

    def __init__(self, **branches: nn.Module):
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def _convolution(
    channels: int, width: int, kernel: tuple[int, int], stride: int = 1, *, padded: bool = True
) -> _Convolution:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else 0
    return _Convolution(channels, width, kernel, stride, padding)


def _tower(channels: int, *steps: tuple[int, int, int], halve: bool = False) -> nn.Sequential:
    """Convolutions (width, kernel height, kernel width) in a row; `halve`: the last by stride 2."""
    tower = OrderedDict()
    for place, (width, *kernel) in enumerate(steps):
        is_last = halve and place == len(steps) - 1
        name = f"conv_{place}" if place else "conv"
        tower[name] = _convolution(
            channels, width, tuple(kernel), 2 if is_last else 1, padded=not is_last
        )
        channels = width
    return nn.Sequential(tower)


def _pooled(channels: int, width: int) -> nn.Sequential:
    pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    conv = _convolution(channels, width, (1, 1))
    return nn.Sequential(OrderedDict(pool=pool, conv=conv))


def _fine(channels: int, pooled: int) -> _Branches:
    """The blocks mixed to mixed_2: 35 x 35 places."""
    return _Branches(
        conv=_convolution(channels, 64, (1, 1)),
        tower=_tower(channels, (48, 1, 1), (64, 5, 5)),
        tower_1=_tower(channels, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        tower_2=_pooled(channels, pooled),
    )


def _middle(width: int) -> _Branches:
    """The blocks mixed_4 to mixed_7: 17 x 17 places, 7 x 7 kernels as a row and a column."""
    return _Branches(
        conv=_convolution(768, 192, (1, 1)),
        tower=_tower(768, (width, 1, 1), (width, 1, 7), (192, 7, 1)),
        tower_1=_tower(
            768, (width, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7)
        ),
        tower_2=_pooled(768, 192),
    )


def _layers(last: str) -> nn.Sequential:
    """The network up to the layer `last`; "a.b.conv" in it is a_b_conv in TensorFlow."""
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
    )
    names = list(layers)
    for name in names[names.index(last) + 1 :]:
        del layers[name]
    return nn.Sequential(layers)


def _find(weights: str | None) -> Path:
    variable = "the environment variable TEXTGAN_INCEPTION"
    named = weights or os.environ.get("TEXTGAN_INCEPTION")
    if not named:
        raise FileNotFoundError(
            f"Inception's weights must be named, by the argument weights or {variable}: a .npz "
            "file such as inception_2015_upto_mixed8.npz"
        )
    path = Path(named).expanduser()
    if not path.is_file():
        source = "weights" if weights else variable
        raise FileNotFoundError(f"{source} must name Inception's .npz file, got {named!r}")
    return path


def _read(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's arrays under the layers' names, checked against the shapes of the layers."""
    keys = {}
    for name in expected:
        layer, _, kind = name.rpartition(".")
        keys[name] = f"{layer.replace('.', '_')}.{kind}"
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} must be a .npz file of Inception's weights, and is another kind")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in keys.values() if key in file}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    for name, key in keys.items():
        if key not in arrays:
            raise ValueError(f"{path} lacks the array {key}, which these features need")
        array, shape = arrays[key], tuple(expected[name].shape)
        if array.shape != shape or array.dtype.kind != "f":
            got = f"{array.dtype} {array.shape}"
            raise ValueError(f"{path}: the array {key} must be floats {shape}, got {got}")
    return {name: torch.from_numpy(arrays[key]).float() for name, key in keys.items()}
