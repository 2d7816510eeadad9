"""Inception-v3 as the Frechet inception distance uses it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textgan.extractor.base import FeatureExtractor
from textgan.extractor.inception_layers import TAPS, inception_layers
from textgan.extractor.inception_weights import find_weights, read_weights, sha256

_NAME = "inception-2015-12-05"
_SIDE = 299
_CHUNK = 64  # pictures at once: the first maps take 5 MB of each


class Inception(FeatureExtractor):
    """Features of the network that FID is defined on: TensorFlow's inception-2015-12-05, frozen.

    It is not torchvision's Inception-v3: its average pools leave the padding out of the mean, its
    last block has a max pool in the place of one, its weights are other ones, and pictures are
    resized as TensorFlow 1 did (`_resize`). Layers bear TensorFlow's names. The 64, 192, 768 and
    2048 features are those of pytorch-fid and torch-fidelity of these sizes; 1280 are those of the
    block `mixed_8`. Each is averaged over the places of its map. "logits" are the 1008 classes'
    WITHOUT the bias, as the Inception Score has come to use them: `logits_unbiased` of
    torch-fidelity and of torchmetrics.

    Construction reads no file; `load`, or else the first pictures, do.

    Args:
        feature: 64, 192, 768, 1280, 2048 or "logits".
        weights: a .pth file as torch-fidelity and pytorch-fid have it, or a .npz file as described
            in `inception_weights.read_weights`; one that ends at `mixed_8` does up to 1280. None
            takes the path from the environment variable TEXTGAN_INCEPTION, or where that is unset
            looks into torch's hub cache for a file of theirs.

    Raises:
        ValueError: `feature` is another.
    """

    def __init__(self, feature: int | str = 768, *, weights: str | Path | None = None):
        super().__init__()
        self.tap = str(feature)
        if self.tap not in TAPS:
            raise ValueError(f"feature must be one of {', '.join(TAPS)}, got {feature!r}")
        self.feature = feature
        self.weights = weights
        self.num_features = 1008 if self.tap == "logits" else int(self.tap)
        self.depth = list(TAPS).index(self.tap)
        self.standard_suffix = "" if self.tap == "2048" else f"_{self.tap}"
        self.layers = nn.Sequential()  # none, until they are loaded
        self.register_buffer("_device", torch.empty(0), persistent=False)  # says where to load to
        self._sha256: str | None = None
        self.eval()

    def load(self) -> None:
        """Read the weights, unless that was done.

        Raises:
            MissingWeightsError: no file is named or in the cache, or it ends before `feature`.
            FileNotFoundError: a file is named that is not there.
            ValueError: the file is broken, lacks a tensor, or has it in another shape.
        """
        if self._sha256 is not None:
            return
        path = find_weights(self.weights)
        digest = sha256(path)
        with torch.device("meta"):  # the weights come from the file, and no random number is drawn
            layers = inception_layers(self.tap)
        layers.load_state_dict(read_weights(path, self.tap), assign=True)
        self.layers = layers.to(self._device.device).requires_grad_(False).eval()
        self._sha256 = digest

    def network(self) -> str:
        """The network's name with a hash of the file; the same at any depth."""
        self.load()
        return f"{_NAME}:{self._sha256[:16]}"

    def protocol(self) -> dict[str, Any]:
        self.load()
        return {
            "network": _NAME,
            "weights_sha256": self._sha256,
            "feature": self.tap,
            "resize": "bilinear to 299 x 299 as in TensorFlow 1, without antialiasing",
            "input": "RGB in 0..255, (x - 128) / 128",
        }

    @torch.no_grad()
    def outputs(self, images: Tensor, taps: Iterable[str]) -> dict[str, Tensor]:
        """Tap -> (B, D) of RGB pictures (B, 3, H, W) uint8 of any size.

        Raises:
            ValueError: a tap lies deeper than `feature`, or is none, or the pictures are others.
        """
        taps = list(taps)
        within = list(TAPS)[: self.depth + 1]
        for tap in taps:
            if tap not in within:
                known = ", ".join(within)
                raise ValueError(f"taps of Inception({self.tap}) are {known}, got {tap!r}")
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            shape = tuple(images.shape)
            raise ValueError(f"images must be (B, 3, H, W) uint8, got {shape} {images.dtype}")
        self.load()
        chunks = [self._pass(chunk, taps) for chunk in images.split(_CHUNK)]
        return {tap: torch.cat([chunk[tap] for chunk in chunks]) for tap in taps}

    def _pass(self, images: Tensor, taps: list[str]) -> dict[str, Tensor]:
        x = (_resize(images.float()) - 128) / 128  # (B, 3, 299, 299)
        x = x.contiguous(memory_format=torch.channels_last)  # 1.5 times faster on a CPU
        wanted = {TAPS[tap]: tap for tap in taps}
        found = {}
        for name, layer in self.layers.named_children():
            x = layer(x)
            if name in wanted:
                found[wanted[name]] = x.mean((2, 3)) if x.ndim == 4 else x  # (B, D)
        return found


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
