"""Encodings of the images below a folder, kept on disk between searches."""

import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from textgan.file.feature_cache import default_folder


class KeptEncodings:
    """The encodings of image files by path, size and time of change of each file.

    A file that was changed, moved or added since is missing. A damaged store counts as empty, and
    where the user's cache folder cannot be written to, nothing is kept.

    Args:
        folder: the folder that is searched.
        network: a text that names everything that decides an encoding besides the image.
    """

    def __init__(self, folder: str | Path, network: str):
        place = default_folder()
        name = hashlib.sha256(f"{network}\n{Path(folder).resolve()}".encode()).hexdigest()
        self._file = None if place is None else place / f"search-{name}.safetensors"

    def of(self, files: Iterable[Path]) -> dict[Path, Tensor]:
        """The encoding (D,) of each of these files that is known and unchanged."""
        stamps, encodings = self._read()
        rows = {path: row for row, path in enumerate(stamps)}
        return {
            path: encodings[rows[str(path)]]
            for path in files
            if str(path) in rows and stamps[str(path)] == _stamp(path)
        }

    def put(self, encodings: dict[Path, Tensor]) -> None:
        """Keep these encodings, and no others; no reader sees a part of the file."""
        if self._file is None or not encodings:
            return
        stamps = {str(path): _stamp(path) for path in encodings}
        beside = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            tensors = {"encodings": torch.stack([*encodings.values()]).cpu().contiguous()}
            save_file(tensors, beside, metadata={"files": json.dumps(stamps)})
            beside.replace(self._file)
        except OSError as error:
            warnings.warn(f"encodings cannot be kept in {self._file.parent}: {error}", stacklevel=2)

    def _read(self) -> tuple[dict[str, list[int]], Tensor]:
        nothing = {}, torch.empty(0)
        if self._file is None or not self._file.is_file():
            return nothing
        try:
            with safetensors.safe_open(self._file, "pt") as store:
                stamps = json.loads((store.metadata() or {}).get("files", "{}"))
                encodings = store.get_tensor("encodings")
        except (safetensors.SafetensorError, OSError, ValueError):
            return nothing
        is_whole = isinstance(stamps, dict) and len(stamps) == len(encodings)
        return (stamps, encodings) if is_whole else nothing


def _stamp(path: Path) -> list[int]:
    """Size, and time of the last change in nanoseconds; a file that is gone has none."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
