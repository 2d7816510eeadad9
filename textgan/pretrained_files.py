"""The two files of a saved part: written whole, and checked before anything is made of them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

FORMAT_VERSION = 1


def write_files(folder: Path, config: dict[str, Any], state: dict[str, Any]) -> None:
    """Write `config.json` and `model.safetensors` into the folder, each atomically.

    Raises:
        TypeError: an entry of the state dict is no tensor.
        ValueError: a weight is NaN or infinite.
    """
    header = {"format_version": FORMAT_VERSION, "part": config}
    tensors = {name: _storable(name, value) for name, value in state.items()}
    _check_finite(tensors, "model")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "model.safetensors", lambda f: save_file(tensors, f, {"format": "pt"}))
    text = json.dumps(header, indent=2, ensure_ascii=False) + "\n"
    _write(folder / "config.json", lambda file: file.write_text(text, encoding="utf-8"))


def read_config(folder: Path) -> dict[str, Any]:
    """What `Part.config` said of the part that the folder holds; no class is looked for.

    Raises:
        FileNotFoundError: the folder or its `config.json` is missing.
        ValueError: the file is broken or of another format.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"path must be a folder by save_pretrained, got {str(folder)!r}")
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} has no config.json, so save_pretrained did not write it")
    try:
        header = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not valid JSON: {error}") from error
    header = header if isinstance(header, dict) else {}
    version, part = header.get("format_version"), header.get("part")
    if version != FORMAT_VERSION or not isinstance(part, dict):
        rule = f"{file} must have format_version {FORMAT_VERSION} and a dict under 'part'"
        raise ValueError(f"{rule}, got {version!r} and {type(part).__name__}")
    return part


def read_weights(
    folder: Path, expected: dict[str, Tensor], *, prefix: str = ""
) -> dict[str, Tensor]:
    """The tensors of the folder's file whose names begin with the prefix, by the rest of the name.

    Args:
        folder: where `model.safetensors` is.
        expected: the state dict that they must fit, name by name.
        prefix: all other tensors of the file are left alone.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it is broken, does not fit, or has weights that are NaN or infinite.
    """
    file = folder / "model.safetensors"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} has no {file.name}, so its weights are missing")
    expected = {f"{prefix}{name}": tensor for name, tensor in expected.items()}
    tensors = _tensors(file, prefix)
    both = [name for name in expected if name in tensors]
    problems = {
        "lacks": [name for name in expected if name not in tensors],
        "has unexpected": [name for name in tensors if name not in expected],
        "differs in shape or kind in": [n for n in both if _differs(n, tensors[n], expected[n])],
    }
    said = [f"{verb} {_few(names)}" for verb, names in problems.items() if names]
    if said:
        raise ValueError(f"{file} does not fit its config.json: it {', it '.join(said)}")
    _check_finite(tensors, str(file))
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _tensors(file: Path, prefix: str) -> dict[str, Tensor]:
    try:
        with safetensors.safe_open(file, "pt") as stored:
            names = [name for name in stored.keys() if name.startswith(prefix)]  # noqa: SIM118
            return {name: stored.get_tensor(name) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file: {error}") from error


def _differs(name: str, tensor: Tensor, expected: Tensor) -> bool:
    if name.endswith("_extra_state"):  # bytes of any length
        return tensor.dtype != expected.dtype
    same_kind = tensor.is_floating_point() == expected.is_floating_point()
    return tensor.shape != expected.shape or not same_kind


def _few(names: list[str]) -> str:
    return " ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _check_finite(tensors: dict[str, Tensor], where: str) -> None:
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"{where} must have finite weights, got nan or inf in {_few(broken)}")


def _storable(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"state {name!r} must be a tensor to be saved, got {type(value).__name__}")
    return value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _write(file: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the file, then move over it, so that no reader ever sees half of one."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
