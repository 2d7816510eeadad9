"""EfficientNet-Lite0 with the weights of ImageNet, and a projection on top."""

import pickle
from pathlib import Path
from typing import Any

import torch

from textgan.file.home import expanded
from textgan.image_encoder.efficientnet_lite import EfficientNetLite0, from_reference
from textgan.image_encoder.tower import TowerImageEncoder
from textgan.pretrained.package import is_in_package, path_in_package

_BROKEN = (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, KeyError, ValueError)


class EfficientNetImageEncoder(TowerImageEncoder):
    """EfficientNet-Lite0 (Tan & Le 2019), trained on ImageNet, with a projection.

    It is the network that Projected GANs (Sauer et al. 2021) recommend for a discriminator. The
    maps are those of its four resolutions: 24, 40, 112 and 320 channels at a 4th, an 8th, a 16th
    and a 32nd of the size.

    Args:
        image_size: side of the input. The weights were trained at 224; smaller images have fewer
            positions in each map.
        width: width of the output features.
        channels: 1, 3 or 4; gray images are repeated as colours, transparent ones laid on white.
        pretrained: a `.pth` file of the package efficientnet-lite-pytorch, or
            `package:NAME/FILE`, a file inside an installed package. None leaves random weights,
            to be replaced by those of a saved encoder.
        frozen: whether only the projection is trained.
        region_resolution: height and width of the regions, to which the last map is averaged.
        projection_width: width of the hidden layer on the pooled feature; None has no such layer.
        dropout: probability, on the pooled feature and on the hidden layer.

    Raises:
        ValueError: the weights are missing or of another network, or a number is out of range.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int,
        channels: int = 3,
        pretrained: str | None = None,
        frozen: bool = True,
        region_resolution: int = 2,
        projection_width: int | None = 1024,
        dropout: float = 0.3,
    ):
        if image_size < 1:
            raise ValueError(f"image_size must be at least 1, got {image_size}")
        tower = EfficientNetLite0()
        if pretrained is not None:
            _fill(tower, pretrained)
        sides = [-(-image_size // stride) for stride in tower.strides]
        super().__init__(
            tower,
            hidden_width=tower.hidden_width,
            map_shapes=[(w, s, s) for w, s in zip(tower.map_widths, sides, strict=True)],
            image_size=image_size,
            channels=channels,
            width=width,
            region_resolution=region_resolution,
            projection_width=projection_width,
            dropout=dropout,
            frozen=frozen,
        )
        self._pretrained = pretrained

    def is_pretrained(self) -> bool:
        return self._pretrained is not None

    def saved_arguments(self) -> dict[str, Any]:
        """The arguments without `pretrained`: the saved weights are complete."""
        return super().saved_arguments() | {"pretrained": None}

    def referring_config(self) -> dict[str, Any]:
        return self.config() | {"pretrained": self._pretrained}


def _fill(tower: EfficientNetLite0, pretrained: str) -> None:
    """Load the weights of the reference implementation."""
    rule = "pretrained must be a file with the weights of EfficientNet-Lite0"
    path = path_in_package(pretrained) if is_in_package(pretrained) else Path(expanded(pretrained))
    if not path.is_file():
        raise ValueError(f"{rule}, got {pretrained!r}, which is no file")
    try:
        tower.load_state_dict(from_reference(torch.load(path, "cpu", weights_only=True)))
    except _BROKEN as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{rule}, got {pretrained!r}: {reason:.200}") from error
