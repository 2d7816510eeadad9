"""Reading a checkpoint file that may be none."""

import pickle
from pathlib import Path
from typing import Any

import torch

FORMAT_VERSION = 6


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """What a training run of textgan saved, on the CPU; nothing in it is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no checkpoint, is cut short, or another program's or format version's.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"checkpoint {str(path)!r} {what}")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, OSError) as error:
        raise ValueError(f"{str(path)!r} is no checkpoint, or was cut short") from error
    ours = checkpoint.get("textgan") if isinstance(checkpoint, dict) else None
    if not isinstance(ours, dict) or "config" not in ours or "state_dict" not in checkpoint:
        raise ValueError(f"{str(path)!r} is not a checkpoint of textgan's")
    if ours.get("format_version") != FORMAT_VERSION:
        rule = f"{str(path)!r} must have format_version {FORMAT_VERSION}"
        raise ValueError(f"{rule}, got {ours.get('format_version')!r}: another release wrote it")
    return checkpoint
