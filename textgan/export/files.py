"""The files of an export, and the packages that exporting and sampling need."""

import importlib.util
import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from textgan.errors import ConfigError
from textgan.file.limits import Limits, read_json

FORMAT_VERSION = 1
INFORMATION, TOKENIZER = "export.json", "tokenizer.json"
GRAPHS = {"onnx": "model.onnx", "torch": "model.pt2"}
_NOISE = 2**24  # values of one image's noise; a map of 64 channels at 512 x 512 has as many
INPUTS, OUTPUT = ("token_ids", "mask", "noise"), "images"


_KINDS = {
    str: str,
    bool: bool,
    int: int,
    float: int | float,
    tuple[int, ...]: list,
    int | None: int | None,
}


@dataclass(frozen=True)
class ExportInfo:
    """The content of `export.json`.

    Attributes:
        format: "onnx" or "torch".
        int8: whether the weights of matrix products are of 8 bits.
        image_size: pixels along a side.
        channels: 1, 3 or 4.
        noise_shape: of one image's noise.
        max_length: tokens of the longest caption; `tokenizer.json` cuts there.
        pad_id: the token id that fills up shorter captions.
        opset: version of ONNX's operators; None for the format "torch".
        weights_sha256: hash of the pipeline's weights (`textgan.pretrained.frozen.weights_hash`).
        textgan, torch: versions that wrote the export.
        greatest_difference, mean_difference: absolute, between images of the graph and of the
            pipeline in PyTorch, in the range [-1, 1], over the random captions of the check.
    """

    format: str
    int8: bool
    image_size: int
    channels: int
    noise_shape: tuple[int, ...]
    max_length: int
    pad_id: int
    opset: int | None
    weights_sha256: str
    textgan: str
    torch: str
    greatest_difference: float
    mean_difference: float

    def write(self, folder: Path) -> None:
        """Write the folder's `export.json`."""
        text = json.dumps({"format_version": FORMAT_VERSION, **asdict(self)}, indent=2)
        (folder / INFORMATION).write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def read(folder: Path) -> "ExportInfo":
        """Read and check the folder's `export.json`.

        Raises:
            FileNotFoundError: the folder or one of its files is missing.
            ValueError: `export.json` is broken or of another format.
        """
        file = folder / INFORMATION
        if not file.is_file():
            rule = "folder must be one that textgan export wrote"
            raise FileNotFoundError(f"{rule}, but {str(folder)!r} has no {INFORMATION}")
        known = read_json(file, limits=Limits(values=1000))
        known = known if isinstance(known, dict) else {}
        names = {field.name for field in fields(ExportInfo)}
        version = known.pop("format_version", None)
        if version != FORMAT_VERSION or set(known) != names or known["format"] not in [*GRAPHS]:
            rule = f"{file} must have all fields of format_version {FORMAT_VERSION}"
            raise ValueError(f"{rule}, got version {version!r} with {len(known)} fields")
        for field in fields(ExportInfo):
            if not isinstance(known[field.name], _KINDS[field.type]):
                raise ValueError(f"{file} must have a {field.type} as {field.name}")  # noqa: TRY004
        _check_sizes(known, file)
        info = ExportInfo(**known | {"noise_shape": tuple(known["noise_shape"])})
        for name in (GRAPHS[info.format], TOKENIZER):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder} has no {name}, which its {INFORMATION} names")
        return info


def _check_sizes(known: dict[str, Any], file: Path) -> None:
    """Raise ValueError for sizes that no export has, before memory is allocated for them."""
    limits = {"image_size": (1, 2**14), "channels": (1, 4), "max_length": (1, 2**20)}
    for name, (least, most) in (limits | {"pad_id": (0, 2**31 - 1)}).items():
        if not least <= known[name] <= most:
            rule = f"{file} must have {name} from {least} to {most:,}"
            raise ValueError(f"{rule}, got {known[name]!r:.40}")
    shape = known["noise_shape"]
    if not all(type(size) is int and size >= 1 for size in shape) or math.prod(shape) > _NOISE:
        rule = f"{file} must have a noise_shape of positive whole numbers"
        raise ValueError(f"{rule} with at most {_NOISE:,} values, got {shape!r:.80}")


def require(*packages: str) -> None:
    """Raise ConfigError if one of these packages is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ConfigError(f"{package} is not installed: pip install textgan[export]")
