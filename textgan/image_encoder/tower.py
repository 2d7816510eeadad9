"""The common part of image encoders that are a pretrained network with a projection on top."""

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan import __version__
from textgan.image_encoder.base import ImageEncoder
from textgan.layer import projection
from textgan.pretrained.frozen import weights_hash
from textgan.types import ImageFeatures


class TowerImageEncoder(ImageEncoder):
    """A pretrained network (the tower), and a small network that projects its features.

    If the tower is frozen, only the projection is trained, as in locked-image tuning (LiT, Zhai et
    al. 2022). The `states` of an image then never change, so that a model can compute them once.

    Args:
        tower: images (B, 3, H, W) in [-1, 1] -> its pooled feature (B, hidden_width), its last map
            (B, hidden_width, h, w), and the maps of earlier layers.
        hidden_width: channels of the last map.
        map_shapes: (channels, height, width) of the other maps.
        image_size: side of the square input.
        channels: 1, 3 or 4; gray images are repeated as colours, transparent ones laid on white.
        width: of the features.
        region_resolution: height and width of the regions, to which the last map is averaged.
        projection_width: width of the hidden layer on the pooled feature; None has no such layer.
        dropout: probability, on the tower's pooled feature and on the hidden layer.
        frozen: whether the tower is not trained.
    """

    def __init__(
        self,
        tower: nn.Module,
        *,
        hidden_width: int,
        map_shapes: list[tuple[int, int, int]],
        image_size: int,
        channels: int,
        width: int,
        region_resolution: int,
        projection_width: int | None,
        dropout: float,
        frozen: bool,
    ):
        super().__init__()
        if channels not in (1, 3, 4):
            raise ValueError(f"channels must be 1, 3 or 4, got {channels}")
        if region_resolution < 1:
            raise ValueError(f"region_resolution must be at least 1, got {region_resolution}")
        self.image_size, self.channels, self.width = image_size, channels, width
        self.map_shapes = map_shapes
        self.tower, self.frozen = tower.requires_grad_(not frozen), frozen
        self.tower.to(memory_format=torch.channels_last)  # about twice as fast on a CPU
        self.region_resolution = region_resolution
        self.regions = nn.Linear(hidden_width, width)
        self.pooled = projection(
            hidden_width, width, hidden_width=projection_width, dropout=dropout
        )
        self.train()

    @abstractmethod
    def is_pretrained(self) -> bool:
        """Whether the tower's weights come from elsewhere, so that checkpoints may omit them."""

    def train(self, mode: bool = True) -> "TowerImageEncoder":
        """Set the mode; a frozen tower stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.tower.eval()
        return self

    def encode(self, images: Tensor) -> ImageFeatures:
        """As in the base class; the maps are the tower's."""
        pooled, last, maps = self.tower(_rgb(images))
        features = self.project(self._joined(pooled, last))
        return ImageFeatures(features.regions, features.pooled, maps)

    def states(self, images: Tensor) -> Tensor:
        """Images as in a call -> what `project` takes (B, 1 + N, hidden_width), pooled and regions.

        Without gradients, in the precision of the weights.
        """
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            images = self.resized(images).contiguous(memory_format=torch.channels_last)
            pooled, last, _ = self.tower(_rgb(images))
            return self._joined(pooled, last)

    def project(self, states: Tensor) -> ImageFeatures:
        """The tower's `states` -> the features, without maps."""
        return ImageFeatures(self.regions(states[:, 1:]), self.pooled(states[:, 0]))

    def lineage(self) -> frozenset[str]:
        """As in the base class, and the hash of the tower, which other encoders may have too."""
        return super().lineage() | {weights_hash(self.tower)}

    def network(self) -> str:
        """A text that names everything that decides the `states` of an image besides its pixels."""
        return (
            f"{weights_hash(self.tower)} {self.image_size} {self.region_resolution} {__version__}"
        )

    def frozen_prefixes(self) -> tuple[str, ...]:
        return ("tower.",) if self.frozen and self.is_pretrained() else ()

    def _joined(self, pooled: Tensor, last: Tensor) -> Tensor:
        regions = F.adaptive_avg_pool2d(last, self.region_resolution).flatten(2).mT
        return torch.cat([pooled[:, None], regions], 1)  # (B, 1 + N, hidden_width)


def _rgb(images: Tensor) -> Tensor:
    """Gray, colour or transparent images (B, 1, 3 or 4, H, W), these on white -> (B, 3, H, W)."""
    if images.shape[1] == 4:
        colours, opacity = images[:, :3], (images[:, 3:] + 1) / 2
        return colours * opacity + 1 - opacity
    return images.expand(-1, 3, -1, -1)
