"""A discriminator on the feature maps of a frozen image encoder."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.discriminator.base import Discriminator
from textgan.image_encoder.base import ImageEncoder
from textgan.layer import DownBlock, RandomMixing
from textgan.pretrained.frozen import Frozen
from textgan.types import DiscriminatorOutput, TextFeatures

_MOST_DEPTHS = 4


class ProjectedDiscriminator(Discriminator):
    """Scores the maps of a frozen image encoder, conditioned on the text by projection.

    Projected GANs (Sauer et al. 2021): pretrained image features need not be learned in the
    adversarial training. The input is the deepest map of each of the encoder's last four
    resolutions, or up to four maps, evenly spread over the depth, of an encoder that has one
    resolution only (as in StyleGAN-T, Sauer et al. 2023). `RandomMixing` mixes their channels and
    scales. On each mixed map stands a small discriminator of its own, a head, with its own logit
    (w . h + <V h, t>). An encoder may ignore artefacts, so another head gets the pixels.

    Args:
        image_encoder: the frozen encoder; images must have its number of channels. It is not in the
            state dict, so `save_pretrained` does not write its weights.
        text_width: width of the text features.
        width: channels of each head.
        pixel_width: channels of the head on the pixels, at the full resolution; they double
            downwards to `width`. 0 leaves that head out.

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
        self.positions = _depths(image_encoder.map_shapes)
        shapes = [image_encoder.map_shapes[position] for position in self.positions]
        self.mixing = RandomMixing(shapes)
        self.readers = nn.ModuleList(_reader(shape, width) for shape in shapes)
        halvings = range(_halvings(image_encoder.image_size) + 1)
        widths = [min(pixel_width * 2**n, max(width, pixel_width)) for n in halvings]
        self.pixels = _pixel_reader(image_encoder.channels, widths) if pixel_width else None
        inputs = [*([widths[-1]] if pixel_width else []), *(width for _ in shapes)]
        self.heads = nn.ModuleList(_Head(here, 2 * width, text_width) for here in inputs)

    def features(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) in [-1, 1] of any size -> maps (B, C_i, 4, 4), the pixels' first."""
        maps = self.image_encoder(images).maps
        maps = self.mixing([maps[position] for position in self.positions])
        features = [reader(map_) for map_, reader in zip(maps, self.readers, strict=True)]
        if self.pixels is not None:
            side = self.image_encoder.net.image_size
            if min(images.shape[-2:]) < side:  # smaller ones would end below 4x4
                images = F.interpolate(images, (side, side), mode="bilinear")
            features.insert(0, self.pixels(images))
        return [_four_by_four(x) for x in features]

    def score(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        """Features and text -> logits (B, K), pooled and text (B, K * text_width), of K heads."""
        scored = [head(x, text.pooled) for head, x in zip(self.heads, features, strict=True)]
        logits, pooled, projected = (torch.cat(parts, 1) for parts in zip(*scored, strict=True))
        return DiscriminatorOutput(logits, pooled, projected, features, text_logits=len(self.heads))

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


class _Head(nn.Module):
    """One logit, w . h + <V h, t>, of a map at 4x4."""

    def __init__(self, width: int, hidden_width: int, text_width: int):
        super().__init__()
        self.pool = nn.Linear(16 * width, hidden_width)
        self.logit = nn.Linear(hidden_width, 1)
        self.project_image = nn.Linear(hidden_width, text_width)
        self.project_text = nn.Linear(text_width, text_width)

    def forward(self, x: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (B, C, 4, 4), text (B, D) -> logits (B, 1), and image and text in one space."""
        hidden = F.leaky_relu(self.pool(F.leaky_relu(x, 0.2).flatten(1)), 0.2)
        pooled, projected = self.project_image(hidden), self.project_text(text)  # (B, D)
        match = (pooled * projected).sum(1, keepdim=True) * pooled.shape[1] ** -0.5
        return self.logit(hidden) + match, pooled, projected


def _depths(shapes: list[tuple[int, int, int]]) -> list[int]:
    """Positions of the maps that are read, shallow to deep."""
    last = {tuple(shape[1:]): position for position, shape in enumerate(shapes)}
    if len(last) > 1:
        return sorted(last.values())[-_MOST_DEPTHS:]
    count = min(len(shapes), _MOST_DEPTHS)
    return [(n + 1) * len(shapes) // count - 1 for n in range(count)]


def _halvings(side: int) -> int:
    """Number of halvings of a side that keep it at 4 or above."""
    return max((side // 4).bit_length() - 1, 0)


def _reader(shape: tuple[int, int, int], width: int) -> nn.Sequential:
    """Net for a map of `shape` -> `width` channels at 4x4, or less than 8x8.

    Each image's map is first normalised to mean 0 and variance 1.
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
