"""Features of a saved image encoder of textgan."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from textgan.errors import MissingWeightsError
from textgan.extractor.base import FeatureExtractor
from textgan.image import from_uint8
from textgan.image_encoder.base import ImageEncoder
from textgan.pretrained.frozen import weights_hash


class Contrastive(FeatureExtractor):
    """The pooled features of an image encoder that `model=contrastive` trained, at unit length.

    Distances in them are called fd_contrastive and kd_contrastive. They depend on the images that
    the encoder was trained on, and are comparable for one encoder only.

    Args:
        pretrained: the folder of the pipeline. With None, `load` raises a `MissingWeightsError`.
    """

    tap = "pooled"
    depth = 0

    def __init__(self, pretrained: str | None):
        super().__init__()
        self.pretrained = pretrained
        self.encoder: ImageEncoder | None = None
        self._digest = ""

    @property
    def num_features(self) -> int:
        self.load()
        return self.encoder.width

    def load(self) -> None:
        """Read the encoder, unless it is read.

        Raises:
            MissingWeightsError: `pretrained` is None.
            ValueError, FileNotFoundError: it is no pipeline with an image encoder.
        """
        if self.encoder is not None:
            return
        if self.pretrained is None:
            raise MissingWeightsError(
                "the argument pretrained must name the encoder: a folder that "
                "textgan fit model=contrastive saved"
            )
        encoder = ImageEncoder.from_pretrained(self.pretrained, part="image_encoder")
        if encoder.channels == 4:
            raise ValueError("pretrained must be an encoder of images with 1 or 3 channels, got 4")
        self._digest = weights_hash(encoder)
        self.encoder = encoder.requires_grad_(False).eval()

    def network(self) -> str:
        self.load()
        return f"contrastive {self._digest}"

    def lineage(self) -> frozenset[str]:
        """As that of a `Judge`: samples of a model trained against it lie close to real images."""
        self.load()
        return self.encoder.lineage()

    def protocol(self) -> dict[str, Any]:
        self.load()
        return {
            "network": "contrastive image encoder",
            "weights_sha256": self._digest,
            "feature": self.tap,
            "resize": f"to {self.encoder.image_size} pixels, bilinear, antialiased",
        }

    @torch.no_grad()
    def outputs(self, images: Tensor, taps: Iterable[str]) -> dict[str, Tensor]:
        """Tap -> (B, width) of RGB images (B, 3, H, W) uint8; a gray encoder gets their mean."""
        self.load()
        pixels = from_uint8(images)
        if self.encoder.channels == 1:
            pixels = pixels.mean(1, keepdim=True)
        pooled = self.encoder(pixels).pooled
        return {tap: torch.nn.functional.normalize(pooled, dim=1) for tap in taps}
