"""The files, folders and hub names that a checkpoint may bring along.

It may name the data that its run was trained on where it lies in the run's own folder: there a
run.yaml says the same, and what it names is on this machine. In any other case, and for every name
that is not a file here, whoever runs textgan types the name.
"""

import os
import shlex
from pathlib import Path
from typing import Any

from textgan.composition.stored_config import Stored, scalars_of
from textgan.errors import ConfigError
from textgan.file.limits import Limits, read_yaml
from textgan.run.converter import to_hydra
from textgan.text_encoder.source import is_known_package

_BELOW_THE_ROOT = ("data.captions_file", "data.image_folder")
_MOST_RUNS = 20


def check_elsewhere(path: str, taken: Stored) -> None:
    """Refuse names that whoever runs textgan must type.

    Args:
        path: of the checkpoint.
        taken: what it says.

    Raises:
        ConfigError: which ones, and what to type.
    """
    unknown = {
        place: value for place, value in taken.elsewhere.items() if not _is_safe(place, value)
    }
    beside = _run_files(Path(path)) if unknown else []
    asked = {}
    for place, value in unknown.items():
        said = any(_value_at(config, place) == value for config in beside)
        if not (said and all(_is_here(text) for text in _as_list(value))):
            setting = next(iter(scalars_of(taken.links.get(place, ""))), place)
            if said and _is_gone(value):
                raise ConfigError(f"{value!r} does not exist: give {setting}=PATH, where it is now")
            asked[setting] = value
    if asked:
        words = " ".join(shlex.quote(f"{place}={_typed(value)}") for place, value in asked.items())
        raise ConfigError(
            f"it names files or folders that are read only where you name them: add {words} "
            "(in its run's folder, where run.yaml says the same, files of this machine need no "
            "naming)"
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
    """The content of the run.yaml files beside a checkpoint, as far as they can be read."""
    found = []
    for file in sorted(checkpoint.parent.glob("run*.yaml"))[:_MOST_RUNS]:
        try:
            config = read_yaml(file, limits=Limits(values=20_000)) if file.is_file() else None
        except (OSError, ValueError):
            continue
        if isinstance(config, dict):
            found.append(to_hydra(config, {}))
    return found


def _value_at(config: Any, place: str) -> Any:
    if place == "encoders":
        place = "composition.scalars.encoders"
    for name in place.split("."):
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else f"[{','.join(map(str, value))}]"
