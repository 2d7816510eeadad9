"""The encoders of a contrastive pipeline of textgan as a judge."""

import hashlib
import json
from typing import Any

import torch
from torch import Tensor

from textgan.errors import MissingWeightsError
from textgan.image import from_uint8, to_uint8
from textgan.judge.base import Judge
from textgan.pretrained.frozen import weights_hash
from textgan.pretrained.part import Part

_NEEDED = ("encode_images", "encode_texts", "lineage", "image_encoder")


class ContrastiveJudge(Judge):
    """The encoders of a saved contrastive pipeline, as `textgan fit model=contrastive` trains it.

    Images must have the image encoder's channels. They are quantised to 8 bits, as if they had been
    saved, and resized without a crop to the encoder's size (bilinear, antialiased).

    Args:
        pretrained: the pipeline's folder. With None, `load` raises a `MissingWeightsError`.
    """

    def __init__(self, pretrained: str | None):
        super().__init__()
        self.pretrained = pretrained
        self.pipeline: Part | None = None
        self._digests: dict[str, str] = {}
        self._lineage: frozenset[str] = frozenset()
        self.register_buffer("_device", torch.empty(0), persistent=False)  # the device to load to

    def load(self) -> None:
        """Read the pipeline, unless it is read.

        Raises:
            MissingWeightsError: `pretrained` is None.
            FileNotFoundError: it is no folder that `save_pretrained` wrote.
            ValueError: the folder is broken, or holds no contrastive pipeline.
        """
        if self.pipeline is not None:
            return
        if self.pretrained is None:
            raise MissingWeightsError(
                "the argument pretrained must name the contrastive judge's weights: the folder of "
                "a pipeline that textgan fit model=contrastive saved"
            )
        with torch.random.fork_rng(devices=[]):  # training keeps its random numbers
            pipeline = Part.from_pretrained(self.pretrained)
        if not all(hasattr(pipeline, name) for name in _NEEDED):
            rule = "pretrained must be the folder of a contrastive pipeline"
            what = f"which holds a {type(pipeline).__name__}"
            raise ValueError(f"{rule}, got {self.pretrained!r}, {what}")
        self._lineage = pipeline.lineage()
        config = json.dumps(pipeline.config(), sort_keys=True)
        self._digests = {
            "weights": weights_hash(pipeline),  # they include the tokenizer's bytes
            "config": hashlib.sha256(config.encode()).hexdigest(),
        }
        self.pipeline = pipeline.requires_grad_(False).to(self._device.device)

    @torch.no_grad()
    def encode_images(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> (B, width), of length 1."""
        self.load()
        return self.pipeline.encode_images(from_uint8(to_uint8(images)))

    @torch.no_grad()
    def encode_texts(self, captions: list[str]) -> Tensor:
        """B captions -> (B, width), of length 1."""
        self.load()
        return self.pipeline.encode_texts(captions)

    def lineage(self) -> frozenset[str]:
        """The pipeline's: hashes of its image encoder and of the weights it was trained from."""
        self.load()
        return self._lineage

    def protocol(self) -> dict[str, Any]:
        """Class, hashes of weights and configuration, and the preprocessing of images."""
        self.load()
        encoder = self.pipeline.image_encoder
        return {
            "judge": f"{type(self).__module__}.{type(self).__qualname__}",
            **self._digests,
            "image_size": encoder.image_size,
            "channels": encoder.channels,
            "resize": "bilinear, antialiased",
        }
