"""Read and check a checkpoint file, which may be damaged, untrusted or of another kind."""

import pickle
from pathlib import Path
from typing import Any

import torch

from textgan.checkpoint.archive import read_archive
from textgan.checkpoint.upgrade import upgrade
from textgan.file.limits import Limits, check_limits, walk
from textgan.file.tensor import StoredTensor

FORMAT_VERSION = 8
_UPGRADED = (6, 7)  # earlier versions, which are converted
_WHOLE = Limits(values=300_000, characters=20_000_000, largest=2**64)
_MOST_SHARED = 4  # tensors that share one number on average; tied weights are two
_OURS = Limits(values=20_000)  # settings, without gradients
_BROKEN = "{!r} is no checkpoint, or was cut short"
_SECTIONS = {
    **dict.fromkeys(("epoch", "global_step"), int),
    "pytorch-lightning_version": str,
    **dict.fromkeys(("loops", "callbacks", "state_dict"), dict),
    **dict.fromkeys(("optimizer_states", "lr_schedulers"), list),
}


def read_header(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint without its tensors; a `StoredTensor` describes each of them.

    Nothing in the file is executed, and none of its tensors takes memory.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is no checkpoint, is truncated, was written by another program or in
            another format version, or holds more than a checkpoint can.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"checkpoint {str(path)!r} {what}")
    try:
        checkpoint = read_archive(path)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{_BROKEN.format(str(path))}: {reason:.300}") from error
    where = repr(str(path))
    claimed = 0
    for _, _, value in walk(
        checkpoint, where, name="it", limits=_WHOLE, leaves=(StoredTensor,), keys=(str, int)
    ):
        claimed += value.bytes if isinstance(value, StoredTensor) else 0
    if claimed > _MOST_SHARED * path.stat().st_size + 2**20:
        raise ValueError(f"{where} must not have many tensors that share their numbers")
    ours = checkpoint.get("textgan") if isinstance(checkpoint, dict) else None
    if not isinstance(ours, dict) or "config" not in ours or "state_dict" not in checkpoint:
        raise ValueError(f"{where} is not a checkpoint of textgan")
    if ours.setdefault("format_version") not in (FORMAT_VERSION, *_UPGRADED):
        rule, found = f"{where} must have format_version {FORMAT_VERSION}", ours["format_version"]
        raise ValueError(f"{rule}, got {found!r:.80}: another release wrote it")
    _check_sections(checkpoint, where)
    if ours["format_version"] in _UPGRADED:
        upgrade(ours)
    return checkpoint


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of textgan onto the CPU; nothing in it is executed.

    Raises:
        FileNotFoundError, ValueError: as in `read_header`.
    """
    header = read_header(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, OSError) as error:
        raise ValueError(_BROKEN.format(str(path))) from error
    for key in ("config", "pipeline", "components"):
        checkpoint["textgan"][key] = header["textgan"][key]
    return checkpoint


def _check_sections(checkpoint: dict[str, Any], where: str) -> None:
    """Raise ValueError if a section has another type than Lightning and this package write."""
    kinds = {key: (checkpoint[key], kind) for key, kind in _SECTIONS.items() if key in checkpoint}
    ours = checkpoint["textgan"]
    kinds["textgan.config"] = ours["config"], dict | None
    for key in ("pipeline", "frozen"):
        kinds[f"textgan.{key}"] = ours.get(key), dict
    if ours["format_version"] != 6:
        kinds["textgan.components"] = ours.get("components"), dict
    kinds["textgan.gradients"] = ours.get("gradients", {}), dict
    problems = [
        f"{getattr(kind, '__name__', kind)} as {key}, got {type(value).__name__}"
        for key, (value, kind) in kinds.items()
        if not isinstance(value, kind) or isinstance(value, bool)
    ]
    if not problems:
        tensors = {**checkpoint["state_dict"], **ours.get("gradients", {})}
        prefixes, hashes = ours.get("components", {}), ours["frozen"]
        problems += [f"a tensor as {n!r:.80}" for n, t in tensors.items() if not _is_tensor(n, t)]
        problems += [f"a prefix as {n!r:.80}" for n, p in prefixes.items() if not _is_name(p)]
        problems += [f"a hash as {n!r:.80}" for n, h in hashes.items() if not isinstance(h, str)]
    if problems:
        raise ValueError(f"{where} must have {problems[0]}")
    for key in ("config", "pipeline", "frozen"):
        check_limits(ours[key], where, name=key, limits=_OURS)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_tensor(name: Any, value: Any) -> bool:
    return isinstance(name, str) and isinstance(value, StoredTensor)
