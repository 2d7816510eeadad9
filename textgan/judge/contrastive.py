"""A pair of encoders that textgan itself trained to tell whose caption is whose, as a judge."""

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

_ASKED = ("encode_images", "encode_texts", "lineage", "image_encoder")


class ContrastiveJudge(Judge):
    """The encoders of a saved contrastive pipeline, such as `textgan fit model=contrastive` trains.

    Pictures have the image encoder's channels. They are quantised to 8 bits, as if they had been
    saved, and resized whole to what the encoder looks at (bilinear, antialiased).

    Args:
        pretrained: the pipeline's folder. None names none: then `load` raises a
            `MissingWeightsError`.
    """

    def __init__(self, pretrained: str | None):
        super().__init__()
        self.pretrained = pretrained
        self.pipeline: Part | None = None
        self._digests: dict[str, str] = {}
        self._lineage: frozenset[str] = frozenset()
        self.register_buffer("_device", torch.empty(0), persistent=False)  # says where to load to

    def load(self) -> None:
        """Read the pipeline, unless that was done.

        Raises:
            MissingWeightsError: `pretrained` is None.
            FileNotFoundError: it is no folder that `save_pretrained` wrote.
            ValueError: the folder is broken, or holds something else than such a pipeline.
        """
        if self.pipeline is not None:
            return
        if self.pretrained is None:
            raise MissingWeightsError(
                "the contrastive judge's weights must be named, by the argument pretrained: the "
                "folder of a pipeline that textgan fit model=contrastive saved"
            )
        with torch.random.fork_rng(devices=[]):  # who measures leaves training's randomness alone
            pipeline = Part.from_pretrained(self.pretrained)
        if not all(hasattr(pipeline, name) for name in _ASKED):
            rule = "pretrained must be the folder of a contrastive pipeline"
            what = f"which holds a {type(pipeline).__name__}"
            raise ValueError(f"{rule}, got {self.pretrained!r}, {what}")
        self._lineage = pipeline.lineage()
        config = json.dumps(pipeline.config(), sort_keys=True)
        self._digests = {
            "weights": weights_hash(pipeline),  # the tokenizer's bytes are among them
            "config": hashlib.sha256(config.encode()).hexdigest(),
        }
        self.pipeline = pipeline.requires_grad_(False).to(self._device.device)

    @torch.no_grad()
    def encode_images(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [-1, 1] -> (B, width), of length 1."""
        self.load()
        return self.pipeline.encode_images(from_uint8(to_uint8(images)))

    @torch.no_grad()
    def encode_texts(self, captions: list[str]) -> Tensor:
        """B captions -> (B, width), of length 1."""
        self.load()
        return self.pipeline.encode_texts(captions)

    def lineage(self) -> frozenset[str]:
        """The pipeline's: hashes of its image encoder, and of those that this was trained from."""
        self.load()
        return self._lineage

    def protocol(self) -> dict[str, Any]:
        """Class, hashes of weights and configuration, and how pictures are read."""
        self.load()
        encoder = self.pipeline.image_encoder
        return {
            "judge": f"{type(self).__module__}.{type(self).__qualname__}",
            **self._digests,
            "image_size": encoder.image_size,
            "channels": encoder.channels,
            "resize": "bilinear, antialiased",
        }
