"""The two files of a saved part: written atomically, and checked before anything is built."""

import json
import struct
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from textgan.file.arguments import upgraded_arguments
from textgan.file.atomic import whole
from textgan.file.limits import check_size, read_json, shown
from textgan.file.renamed import renamed
from textgan.file.tensor import StoredTensor
from textgan.pretrained.check import check_config

FORMAT_VERSION = 2
_UPGRADED = 1  # the earlier version, which is converted
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_HEADER_BYTES = 1_000_000  # names and shapes of about 8,000 tensors
_STATE_BYTES = 32_000_000  # a tokenizer's JSON; that of XLM-R and its relatives has 9 to 17 million
_DTYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8},
    **{"U8": torch.uint8, "BOOL": torch.bool},
}


def write_files(folder: Path, config: dict[str, Any], state: dict[str, Any]) -> None:
    """Write `config.json` and `model.safetensors` into the folder, each atomically.

    Raises:
        TypeError: an entry of the state dict is no tensor.
        ValueError: a weight is NaN or infinite, or `read_config` or `read_header` would refuse the
            files.
    """
    tensors = {name: _storable(name, value) for name, value in state.items()}
    check_finite(tensors, "model")
    header = {name: StoredTensor(tuple(t.shape), t.dtype) for name, t in tensors.items()}
    _check_states(header, "model")
    check_config(config, CONFIG)
    saved = {"format_version": FORMAT_VERSION, "part": config}
    content = (json.dumps(saved, indent=2, ensure_ascii=False) + "\n").encode()
    check_size(len(content), CONFIG)
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / WEIGHTS) as beside:
        beside.write_bytes(save(tensors, {"format": "pt"}))
    with whole(folder / CONFIG) as beside:
        beside.write_bytes(content)


def read_config(folder: Path) -> dict[str, Any]:
    """Read the config of the part that a folder holds; no class is imported.

    Raises:
        FileNotFoundError: the folder or its `config.json` is missing.
        ValueError: the file is broken, has another format, is a link out of the folder, or is
            refused by `check_config`.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"path must be a folder by save_pretrained, got {str(folder)!r}")
    file = _found(folder, CONFIG, "so save_pretrained did not write it")
    header = read_json(file)
    header = header if isinstance(header, dict) else {}
    version, part = header.get("format_version"), header.get("part")
    if version not in (_UPGRADED, FORMAT_VERSION) or not isinstance(part, dict):
        rule = f"{file} must have format_version 1 or 2 and a dict under 'part'"
        raise ValueError(f"{rule}, got {version!r:.80} and {type(part).__name__}")
    check_config(part, str(file))
    return upgraded_arguments(renamed(part)) if version == _UPGRADED else part


def read_header(folder: Path, *, prefix: str = "") -> dict[str, StoredTensor]:
    """Read the header of a folder's `model.safetensors`, and none of its tensors.

    Returns the name of each tensor that begins with `prefix` -> its description.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: the file is broken, is a link out of the folder, or has too long a header.
    """
    file = _found(folder, WEIGHTS, "so its weights are missing")
    with file.open("rb") as stream:
        length = stream.read(8)
    if len(length) == 8 and struct.unpack("<Q", length)[0] > _HEADER_BYTES:
        rule = f"its header must have at most {_HEADER_BYTES:,} bytes"
        raise ValueError(f"{file} is not a safetensors file of textgan: {rule}")
    try:
        with safetensors.safe_open(file, "np") as stored:  # "pt" asks for memory of its size
            names = [name for name in stored.keys() if name.startswith(prefix)]  # noqa: SIM118
            slices = {name: stored.get_slice(name) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file: {error}") from error
    return {
        name: StoredTensor(tuple(found.get_shape()), _DTYPES.get(found.get_dtype()))
        for name, found in slices.items()
    }


def check_header(
    file: Path, header: dict[str, StoredTensor], expected: dict[str, Tensor], *, prefix: str = ""
) -> None:
    """Refuse weights that do not fit the part that the config builds.

    `expected` is the state dict of the part, which may be on the meta device, and `prefix` stands
    before its names in the header of the file.

    Raises:
        ValueError: a tensor is missing, unexpected, or of another shape or dtype.
    """
    expected = {f"{prefix}{name}": tensor for name, tensor in expected.items()}
    both = [name for name in expected if name in header]
    problems = {
        "lacks": [name for name in expected if name not in header],
        "has unexpected": [name for name in header if name not in expected],
        "differs in shape or kind in": [n for n in both if _differs(n, header[n], expected[n])],
    }
    reasons = [f"{verb} {_few(names)}" for verb, names in problems.items() if names]
    if reasons:
        whose = CONFIG if file.name == WEIGHTS else "configuration"
        raise ValueError(f"{file} does not fit its {whose}: it {', it '.join(reasons)}")
    _check_states(header, str(file))


def read_weights(
    folder: Path, header: dict[str, StoredTensor], *, prefix: str = ""
) -> dict[str, Tensor]:
    """Read the tensors of a header, and return them by their names without the prefix.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    file = folder / WEIGHTS
    with safetensors.safe_open(file, "pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in header}
    check_finite(tensors, str(file))
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _found(folder: Path, name: str, otherwise: str) -> Path:
    """Return a file of the folder, and refuse a link to another place.

    In the hub's cache, files are links from `snapshots` into `blobs` of the same repository.
    """
    file, home = folder / name, folder.resolve()
    if not file.is_file():
        raise FileNotFoundError(f"{folder} has no {name}, {otherwise}")
    if home.parent.name == "snapshots" and home.parents[1].name.startswith("models--"):
        home = home.parents[1]
    if not file.resolve().is_relative_to(home):
        raise ValueError(f"{file} must lie in its folder, but is a link to {file.resolve()}")
    return file


def _differs(name: str, stored: StoredTensor, expected: Tensor) -> bool:
    if name.endswith("_extra_state"):  # bytes of any length
        return stored.dtype != expected.dtype or len(stored.shape) != expected.ndim
    if stored.shape != tuple(expected.shape) or stored.dtype is None:
        return True
    both_float = stored.dtype.is_floating_point and expected.is_floating_point()
    return not both_float and stored.dtype != expected.dtype


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return " ".join(map(shown, names[:3])) + more


def _check_states(header: dict[str, StoredTensor], where: str) -> None:
    """Raise ValueError if an extra state, such as a vocabulary, is too long."""
    for name, stored in header.items():
        if name.endswith("_extra_state") and stored.numbers > _STATE_BYTES:
            rule = f"{where} must have at most {_STATE_BYTES:,} bytes in {shown(name)}"
            raise ValueError(f"{rule}, got {stored.numbers:,}")


def check_finite(tensors: dict[str, Tensor], where: str) -> None:
    """Raise ValueError, with the names, if weights are NaN or infinite."""
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"{where} must have finite weights, got nan or inf in {_few(broken)}")


def _storable(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"state {name!r} must be a tensor to be saved, got {type(value).__name__}")
    return value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
