"""Check of the files, folders and hub names in a checkpoint's configuration.

A checkpoint in its own run folder may name the data of its training if run.yaml there has the same
name and the file exists on this machine. In all other cases the user must type the name.
"""

import os
import shlex
from pathlib import Path
from typing import Any

from textgan.composition.folder import value_at
from textgan.composition.stages import STAGES
from textgan.composition.stored_config import Stored, scalars_of
from textgan.errors import ConfigError
from textgan.file.limits import Limits, read_yaml
from textgan.pretrained.package import is_known_package
from textgan.run.converter import to_hydra

_BELOW_THE_ROOT = ("data.captions_file", "data.image_folder")
_MOST_RUNS = 20


def check_elsewhere(path: str, taken: Stored) -> None:
    """Raise ConfigError for the names that the user must type, with the words to type."""
    unknown = {
        place: value for place, value in taken.elsewhere.items() if not _is_safe(place, value)
    }
    beside = _run_files(Path(path)) if unknown else []
    asked = {}
    for place, value in unknown.items():
        where = f"composition.scalars.{place}" if place in STAGES else place
        confirmed = any(value_at(config, where.split(".")) == value for config in beside)
        if not (confirmed and all(_is_here(text) for text in _as_list(value))):
            setting = next(iter(scalars_of(taken.links.get(place, ""))), place)
            if confirmed and _is_gone(value):
                raise ConfigError(f"{value!r} does not exist: give its new place by {setting}=PATH")
            asked[setting] = value
    if asked:
        words = " ".join(shlex.quote(f"{place}={_typed(value)}") for place, value in asked.items())
        raise ConfigError(
            f"it names files or folders that are read only if you name them: add {words} (not "
            "needed for files of this machine that run.yaml beside it names too)"
        )


def _is_safe(place: str, value: Any) -> bool:
    if place in _BELOW_THE_ROOT and isinstance(value, str):
        return not Path(value).is_absolute() and ".." not in Path(value).parts and value[:1] != "~"
    return isinstance(value, str) and is_known_package(value)


def _is_here(text: str) -> bool:
    return os.path.exists(os.path.expanduser(text))  # noqa: PTH110, PTH111 - Path's may raise


def _is_gone(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return os.path.isabs(os.path.expanduser(value)) and not _is_here(value)  # noqa: PTH111, PTH117


def _run_files(checkpoint: Path) -> list[dict[str, Any]]:
    """Return the contents of the readable run.yaml files beside a checkpoint."""
    found = []
    for file in sorted(checkpoint.parent.glob("run*.yaml"))[:_MOST_RUNS]:
        try:
            config = read_yaml(file, limits=Limits(values=20_000)) if file.is_file() else None
        except (OSError, ValueError):
            continue
        if isinstance(config, dict):
            found.append(to_hydra(config, {}))
    return found


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else f"[{','.join(map(str, value))}]"
