"""Inception-v3 as the Frechet inception distance uses it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textgan.extractor.base import FeatureExtractor, check_pixels
from textgan.extractor.inception_layers import TAPS, inception_layers
from textgan.extractor.inception_weights import find_weights, read_weights, sha256

_NAME = "inception-2015-12-05"
_SIDE = 299
_CHUNK = 64  # images at once: the first maps take 5 MB of each


class Inception(FeatureExtractor):
    """Features of the network that FID is defined on: TensorFlow's inception-2015-12-05, frozen.

    It differs from torchvision's Inception-v3: average pools leave the padding out of the mean, the
    last block has a max pool in place of an average pool, the weights are different, and images are
    resized as TensorFlow 1 did (`_resize`). Layers have TensorFlow's names. The 64, 192, 768 and
    2048 features are those of pytorch-fid and torch-fidelity; the 1280 ones are the output of the
    block `mixed_8`. Each is averaged over the positions of its map. "logits" are those of the 1008
    classes WITHOUT the bias, as usual for the Inception Score: `logits_unbiased` of torch-fidelity
    and of torchmetrics.

    Construction reads no file; `load`, or else the first images, do.

    Args:
        feature: 64, 192, 768, 1280, 2048 or "logits".
        weights: a .pth file of torch-fidelity or pytorch-fid, or a .npz file as described in
            `inception_weights.read_weights`; one that ends at `mixed_8` is enough up to 1280. None
            takes the path from the environment variable TEXTGAN_INCEPTION, or where that is unset
            searches torch's hub cache for a .pth file.

    Raises:
        ValueError: `feature` is none of these.
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
        self.layers = nn.Sequential()  # empty until they are loaded
        self.register_buffer("_device", torch.empty(0), persistent=False)  # the device to load to
        self._sha256: str | None = None
        self.eval()

    def load(self) -> None:
        """Read the weights, unless they are read.

        Raises:
            MissingWeightsError: no file is named or in the cache, or it ends before `feature`.
            FileNotFoundError: the named file does not exist.
            ValueError: the file is broken, lacks a tensor, or has a tensor of another shape.
        """
        if self._sha256 is not None:
            return
        path = find_weights(self.weights)
        digest = sha256(path)
        with torch.device("meta"):  # draws no random weights
            layers = inception_layers(self.tap)
        layers.load_state_dict(read_weights(path, self.tap), assign=True)
        self.layers = layers.to(self._device.device).requires_grad_(False).eval()
        self._sha256 = digest

    def network(self) -> str:
        """The network's name with a hash of the file; the same for every `feature`."""
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
        """Tap -> (B, D) of RGB images (B, 3, H, W) uint8 of any size.

        Raises:
            ValueError: a tap is unknown or deeper than `feature`, or the images are not like that.
        """
        taps = list(taps)
        within = list(TAPS)[: self.depth + 1]
        for tap in taps:
            if tap not in within:
                known = ", ".join(within)
                raise ValueError(f"taps of Inception({self.tap}) are {known}, got {tap!r}")
        check_pixels(images)
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

    Output pixel i is interpolated at the input position i * H / 299, not (i + 0.5) * H / 299 - 0.5
    as in `interpolate`. The original network contains this resize, and torch-fidelity follows it,
    so values for small images agree with torch-fidelity rather than with torchmetrics' default,
    which is antialiased.
    """
    for dim in (-1, -2):
        size = images.shape[dim]
        position = torch.arange(_SIDE, device=images.device) * (size / _SIDE)
        low = position.long()
        high = (low + 1).clamp(max=size - 1)
        share = (position - low).unsqueeze(-1) if dim == -2 else position - low
        images = torch.lerp(images.index_select(dim, low), images.index_select(dim, high), share)
    return images
