"""EfficientNet-Lite0 (Tan & Le 2019), a small network for the classes of ImageNet."""

import torch.nn.functional as F
from torch import Tensor, nn

# Of each stage: repeats, kernel size, stride, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD = 32, 1280
_TAPS = (1, 2, 4, 6)  # the last stage of each resolution


class EfficientNetLite0(nn.Module):
    """The convolutional part of EfficientNet-Lite0, without the classifier.

    The Lite variant has no squeeze-and-excitation, ReLU6 in place of swish, and a stem and a head
    of fixed width. Batch normalisation always uses the statistics of the pretraining, also while
    the weights are trained, so that an image's features do not depend on the batch.

    Attributes:
        hidden_width: channels of the last map, 1280.
        map_widths, strides: channels of the four maps, and the image's size over theirs.
    """

    hidden_width = _HEAD
    map_widths = tuple(_STAGES[tap][-1] for tap in _TAPS)
    strides = (4, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        self.stem = _ConvolutionNorm(3, _STEM, kernel=3, stride=2)
        self.stages, width = nn.ModuleList(), _STEM
        for repeats, kernel, stride, expansion, channels in _STAGES:
            blocks = nn.Sequential()
            for number in range(repeats):
                step = stride if number == 0 else 1
                blocks.append(_Block(width, channels, kernel, stride=step, expansion=expansion))
                width = channels
            self.stages.append(blocks)
        self.head = _ConvolutionNorm(width, _HEAD)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Images (B, 3, H, W) in [-1, 1] -> pooled feature, last map, a map of each resolution.

        The last map is (B, 1280, H / 32, W / 32), and the pooled feature its mean, from which the
        classes of ImageNet are computed. The four other maps have 24, 40, 112 and 320 channels, and
        a 4th, an 8th, a 16th and a 32nd of the size. Sides are rounded up.
        """
        # The weights were trained on (pixel - 127) / 128.
        x, maps = F.relu6(self.stem((127.5 * images + 0.5) / 128), inplace=True), []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _TAPS:
                maps.append(x)
        last = F.relu6(self.head(x), inplace=True)
        return last.mean((2, 3)), last, maps

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        """Stay in eval mode: only batch normalisation has another mode."""
        return super().train(False)


class _ConvolutionNorm(nn.Module):
    """A convolution with TensorFlow's padding, then batch normalisation by stored statistics."""

    def __init__(
        self, inner: int, outer: int, *, kernel: int = 1, stride: int = 1, groups: int = 1
    ):
        super().__init__()
        self.convolution = nn.Conv2d(inner, outer, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outer, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        norm, layer = self.norm, self.convolution
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        # One pass over the map in place of two.
        weight = layer.weight * scale[:, None, None, None]
        bias = norm.bias - norm.running_mean * scale
        (kernel, _), (stride, _) = layer.kernel_size, layer.stride
        height, width = (max(kernel - 1 - (side - 1) % stride, 0) for side in x.shape[-2:])
        if height == width and height % 2 == 0:
            return F.conv2d(x, weight, bias, stride, height // 2, groups=layer.groups)
        # An odd total has one more at the far side.
        x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return F.conv2d(x, weight, bias, stride, groups=layer.groups)


class _Block(nn.Module):
    """Expansion, depthwise convolution and projection, around a shortcut where shapes agree."""

    def __init__(self, inner: int, outer: int, kernel: int, *, stride: int, expansion: int):
        super().__init__()
        width = inner * expansion
        self.expand = _ConvolutionNorm(inner, width) if expansion > 1 else None
        self.depthwise = _ConvolutionNorm(width, width, kernel=kernel, stride=stride, groups=width)
        self.project = _ConvolutionNorm(width, outer)
        self.has_shortcut = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        hidden = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        hidden = self.project(F.relu6(self.depthwise(hidden), inplace=True))
        return x + hidden if self.has_shortcut else hidden


def from_reference(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of the package `efficientnet-lite-pytorch`, without its classifier."""
    blocks = [f"{s}.{n}" for s, stage in enumerate(_STAGES) for n in range(stage[0])]
    names = {"_conv_stem": "stem.convolution", "_bn0": "stem.norm"}
    names |= {"_conv_head": "head.convolution", "_bn1": "head.norm"}
    inside = {"_expand_conv": "expand.convolution", "_bn0": "expand.norm"}
    inside |= {"_depthwise_conv": "depthwise.convolution", "_bn1": "depthwise.norm"}
    inside |= {"_project_conv": "project.convolution", "_bn2": "project.norm"}
    found = {}
    for name, tensor in weights.items():
        layer, _, rest = name.partition(".")
        if layer == "_blocks":
            number, layer, rest = rest.split(".", 2)
            found[f"stages.{blocks[int(number)]}.{inside[layer]}.{rest}"] = tensor
        elif layer in names:
            found[f"{names[layer]}.{rest}"] = tensor
    return found
