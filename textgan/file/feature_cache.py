"""Features of images, kept on disk under a hash of everything that they depend on."""

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import safetensors
from safetensors.torch import load_file, save_file
from torch import Tensor

from textgan.file.home import expanded, is_homeless


class FeatureCache:
    """A folder of feature files, each named by a hash of network, output and pixels.

    So a file is never stale if `network` names everything that decides the features except the
    output: weights, resize and release of this project. A damaged file counts as missing. The
    folder grows by 4 bytes a feature, and may be deleted at any time.

    Args:
        folder: it is made when features are first kept. None keeps nothing.
    """

    def __init__(self, folder: str | Path | None):
        self.folder = None if folder is None else Path(folder)
        self._warned = False

    def get(self, network: str, tap: str, pixels: Sequence[Tensor]) -> Tensor | None:
        """The features (N, ...) of these N images, each (C, H, W) uint8, or None."""
        if self.folder is None:
            return None
        file = self._file(network, tap, pixels)
        if not file.is_file():
            return None
        try:
            features = load_file(file).get("features")
        except (safetensors.SafetensorError, OSError):
            return None
        return features if features is not None and len(features) == len(pixels) else None

    def put(self, network: str, tap: str, pixels: Sequence[Tensor], features: Tensor) -> None:
        """Keep the features of these images; no reader sees a part of a file.

        If the folder cannot be written to, warn once and keep nothing.
        """
        if self.folder is None:
            return
        file = self._file(network, tap, pixels)
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({"features": features.cpu().contiguous()}, beside)
            beside.replace(file)
        except (OSError, safetensors.SafetensorError) as error:
            if not self._warned:
                warnings.warn(f"features cannot be kept in {self.folder}: {error}", stacklevel=2)
            self._warned = True

    def _file(self, network: str, tap: str, pixels: Sequence[Tensor]) -> Path:
        shape = (len(pixels), *pixels[0].shape)
        digest = hashlib.sha256(f"{network}\n{tap}\n{shape}\n".encode())
        for image in pixels:
            digest.update(image.cpu().contiguous().numpy())
        name = digest.hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"


def default_folder() -> Path | None:
    """$TEXTGAN_CACHE, else `textgan` in the user's cache folder; None where there is no home."""
    if named := os.environ.get("TEXTGAN_CACHE"):
        return Path(expanded(named)) / "features"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    if is_homeless(caches):
        return None
    return Path(expanded(caches)) / "textgan" / "features"
