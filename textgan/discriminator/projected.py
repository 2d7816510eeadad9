"""A discriminator on the feature maps of a frozen image encoder."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.discriminator.base import Discriminator
from textgan.image_encoder.base import ImageEncoder
from textgan.layer import DownBlock
from textgan.pretrained.frozen import Frozen
from textgan.types import DiscriminatorOutput, TextFeatures


class ProjectedDiscriminator(Discriminator):
    """Scores the maps of a frozen image encoder, conditioned on the text by projection.

    Projected GANs (Sauer et al. 2021), with a text as in GALIP (Tao et al. 2023): pretrained image
    features need not be learned in the adversarial training. The input is the deepest map of each
    of the encoder's last three resolutions, each through a small net of its own. One logit (w . h +
    <V h, t>) is computed from all of them, where Sauer et al. have a discriminator for each map. An
    encoder that was trained to match captions may ignore artefacts, so another small net gets the
    pixels.

    Args:
        image_encoder: the frozen encoder; images must have its number of channels. It is not in the
            state dict, so `save_pretrained` does not write its weights.
        text_width: width of the text features.
        width: channels that each of the encoder's maps is projected to.
        pixel_width: channels of the net on the pixels, at the full resolution; they double
            downwards to `width`. 0 leaves that net out.

    Raises:
        ValueError: a width is out of range.
    """

    def __init__(
        self,
        *,
        image_encoder: ImageEncoder,
        text_width: int,
        width: int = 64,
        pixel_width: int = 16,
    ):
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        if pixel_width < 0:
            raise ValueError(f"pixel_width must be at least 0, got {pixel_width}")
        self.image_encoder = Frozen(image_encoder)
        self.positions = _last_of_each_resolution(image_encoder.map_shapes)[-3:]
        shapes = [image_encoder.map_shapes[position] for position in self.positions]
        self.readers = nn.ModuleList(_reader(shape, width) for shape in shapes)
        halvings = range(_halvings(image_encoder.image_size) + 1)
        widths = [min(pixel_width * 2**n, max(width, pixel_width)) for n in halvings]
        self.pixels = _pixel_reader(image_encoder.channels, widths) if pixel_width else None
        self.pool = nn.Linear(16 * (width * len(shapes) + widths[-1]), 2 * width)
        self.logit = nn.Linear(2 * width, 1)
        self.project_image = nn.Linear(2 * width, text_width)
        self.project_text = nn.Linear(text_width, text_width)

    def features(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) in [-1, 1] of any size -> maps (B, C_i, 4, 4), the pixels' first."""
        maps = self.image_encoder(images).maps
        features = [reader(maps[n]) for n, reader in zip(self.positions, self.readers, strict=True)]
        if self.pixels is not None:
            side = self.image_encoder.net.image_size
            if min(images.shape[-2:]) < side:  # smaller ones would end below 4x4
                images = F.interpolate(images, (side, side), mode="bilinear")
            features.insert(0, self.pixels(images))
        return [_four_by_four(x) for x in features]

    def score(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        """Features and text -> logits (B, 1), pooled and text (B, text_width)."""
        flat = torch.cat([x.flatten(1) for x in features], 1)  # (B, 16 * sum of C_i)
        hidden = F.leaky_relu(self.pool(F.leaky_relu(flat, 0.2)), 0.2)  # (B, 2 * width)
        pooled, projected = self.project_image(hidden), self.project_text(text.pooled)  # (B, D)
        match = (pooled * projected).sum(1, keepdim=True) * pooled.shape[1] ** -0.5
        return DiscriminatorOutput(self.logit(hidden) + match, pooled, projected, features)

    def get_extra_state(self) -> Tensor:
        """The encoder's lineage, as bytes (N,) uint8."""
        return torch.tensor(list(self._lineage().encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Check that the loaded weights were trained on this encoder.

        Raises:
            ValueError: they were trained on another one.
        """
        trained_on = bytes(state.tolist()).decode()
        if trained_on != self._lineage():
            rule = "image_encoder must be the net that the discriminator was trained on"
            raise ValueError(f"{rule}, {trained_on:.12}, got {self._lineage():.12}")

    def _lineage(self) -> str:
        return " ".join(sorted(self.image_encoder.lineage()))


def _last_of_each_resolution(shapes: list[tuple[int, int, int]]) -> list[int]:
    """The positions in the list, in its order."""
    last = {tuple(shape[1:]): position for position, shape in enumerate(shapes)}
    return sorted(last.values())


def _halvings(side: int) -> int:
    """Number of halvings of a side that keep it at 4 or above."""
    return max((side // 4).bit_length() - 1, 0)


def _reader(shape: tuple[int, int, int], width: int) -> nn.Sequential:
    """Net for a map of `shape` -> `width` channels at 4x4, or less than 8x8.

    Each image's map is first normalised to mean 0 and variance 1, since its scale has no meaning.
    """
    channels, *sides = shape
    blocks = [DownBlock(width, width) for _ in range(_halvings(min(sides)))]
    scaled = nn.GroupNorm(1, channels, affine=False)
    return nn.Sequential(scaled, nn.Conv2d(channels, width, 1), *blocks)


def _pixel_reader(channels: int, widths: list[int]) -> nn.Sequential:
    """Net for images -> `widths[-1]` channels, at half the size for each width after the first."""
    blocks = [DownBlock(above, here) for above, here in pairwise(widths)]
    return nn.Sequential(nn.Conv2d(channels, widths[0], 3, padding=1), *blocks)


def _four_by_four(x: Tensor) -> Tensor:
    return x if x.shape[-2:] == (4, 4) else F.adaptive_avg_pool2d(x, 4)
