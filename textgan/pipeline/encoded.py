"""Files of encoded images: codes or latents, with the images' names."""

import json
import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import safetensors
import torch
from safetensors.torch import safe_open, save
from torch import Tensor

from textgan.errors import ConfigError
from textgan.file.atomic import whole
from textgan.file.regular import open_regular

_VERSION = "1"
_CODES, _LATENTS = "codes", "latents"


@dataclass
class EncodedImages:
    """Encoded images of a folder.

    Attributes:
        values: codes (N, groups, h, w) int64, or latents (N, c, h, w) float32.
        names: path of each image, from the folder, without "..".
        model: `weights_hash` of the autoencoder.
    """

    values: Tensor
    names: list[str]
    model: str

    @property
    def is_discrete(self) -> bool:
        """Whether the values are codes."""
        return not self.values.is_floating_point()

    def save(self, file: Path) -> None:
        """Write a .safetensors file, in the smallest type of integers that holds the codes."""
        values, name = self.values.cpu().contiguous(), _LATENTS
        check_names(self.names, str(file))
        if self.is_discrete:
            largest = int(values.max()) if values.numel() else 0
            kinds = (torch.uint8, torch.int16, torch.int32)
            name = _CODES
            values = values.to(next(k for k in kinds if largest <= torch.iinfo(k).max))
        metadata = {"version": _VERSION, "model": self.model, "names": json.dumps(self.names)}
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as beside:
            beside.write_bytes(save({name: values}, metadata))

    @classmethod
    def load(cls, file: Path) -> "EncodedImages":
        """Read a file that `save` wrote.

        Raises:
            ConfigError: it is missing, or was not written by `save`.
        """
        try:
            open_regular(file).close()
            with safe_open(file, "pt") as opened:
                metadata, keys = opened.metadata() or {}, [*opened.keys()]
                if metadata.get("version") != _VERSION or keys not in ([_CODES], [_LATENTS]):
                    raise ConfigError(
                        f"{file} must be a file by `textgan encode`, with codes or latents"
                    )
                values = opened.get_tensor(keys[0])
        except (OSError, safetensors.SafetensorError) as error:
            raise ConfigError(f"{file} cannot be read: {error}") from error
        names = _names(metadata.get("names", ""), file)
        whole_numbers = values.dtype in (torch.uint8, torch.int16, torch.int32)
        fits = whole_numbers if keys == [_CODES] else values.dtype == torch.float32
        if values.ndim != 4 or len(values) != len(names) or 0 in values.shape or not fits:
            raise ConfigError(
                f"{file} must hold one row of {keys[0]} for each of its {len(names)} names, got "
                f"{values.dtype} of the shape {tuple(values.shape)}"
            )
        values = values.long() if whole_numbers else values.float()
        if not whole_numbers and not values.isfinite().all():
            raise ConfigError(f"{file} must hold finite latents, got NaN or infinite ones")
        return cls(values, names, metadata.get("model", ""))


def _names(text: str, file: Path) -> list[str]:
    """The names of a file's metadata; none of them may lead out of the folder."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} must have its images' names as JSON: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{file} must have a list of names, got {text!r:.80}")
    check_names(names, str(file))
    return names


def check_names(names: list[str], where: str) -> None:
    """Raise ConfigError unless the names are different paths inside of a folder."""
    for name in names:
        path = PurePosixPath(name)
        leads_out = not path.parts or path.is_absolute() or ".." in path.parts
        on_windows = os.name == "nt" and ("\\" in name or ":" in name)
        control = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
        if leads_out or on_windows or control:
            raise ConfigError(f"{where} must have names inside of a folder, got {name!r:.80}")
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise ConfigError(f"{where} must have different names, got {twice!r:.80} twice")
