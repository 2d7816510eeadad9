"""Find and read `evaluation.json`, the results that `textgan test` writes."""

import math
from pathlib import Path
from typing import Any

from textgan.errors import ConfigError
from textgan.file.limits import Limits, read_json

FORMAT_VERSION = 1
FILE = "evaluation.json"
SECTIONS = ("model", "data", "numbers", "protocols", "skipped")
_MOST_BYTES = 10_000_000
_NUMERIC_FIELDS = ("value", "n", "low", "high", "spread")


def find(path: str | Path) -> list[Path]:
    """Return `path` if it is a file, else every `evaluation.json` below that folder, sorted.

    Raises:
        ConfigError: there is none.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"{str(path)!r} does not exist")
    files = sorted(path.rglob(FILE))
    if not files:
        raise ConfigError(f"{str(path)!r} contains no {FILE}, which `textgan test` writes")
    return files


def read(path: str | Path) -> dict[str, Any]:
    """The content of an `evaluation.json`: model, data, numbers, protocols and skipped.

    Raises:
        ConfigError: it cannot be read, has another format version, or is incomplete.
    """
    try:
        content = read_json(
            Path(path), most=_MOST_BYTES, limits=Limits(characters=_MOST_BYTES, finite=False)
        )
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # its message names the file
        raise ConfigError(str(error)) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version is None:
        raise ConfigError(f"{path} is no evaluation of textgan, since it has no format_version")
    if version != FORMAT_VERSION:
        raise ConfigError(f"{path} must have format version {FORMAT_VERSION}, got {version}")
    problem = _problem(content)
    if problem:
        raise ConfigError(f"{path} is broken: {problem}")
    return content


def _problem(content: dict[str, Any]) -> str | None:
    """The first fault of the content, or None."""
    for section in SECTIONS:
        if not isinstance(content.get(section), dict):
            return f"{section} must be an object, got {content.get(section)!r}"
    model, protocols = content["model"], content["protocols"]
    for key, kinds in (("weights_sha256", str), ("images_seen", int | None)):
        if key not in model or not isinstance(model[key], kinds):
            kind = getattr(kinds, "__name__", kinds)
            return f"model.{key} must be of type {kind}, got {model.get(key)!r}"
    for metric, protocol in protocols.items():
        if not isinstance(protocol, dict) or not isinstance(protocol.get("seed"), int):
            return f"protocols.{metric} must be an object with a seed"
    if len({protocol["seed"] for protocol in protocols.values()}) > 1:
        return "protocols must all have the same seed"
    for name, number in content["numbers"].items():
        if not isinstance(number, dict) or number.get("metric") not in protocols:
            return f"numbers.{name} must be an object whose metric is a name in protocols"
        for key in _NUMERIC_FIELDS:
            if not _is_allowed(key, number.get(key)):
                return f"numbers.{name}.{key} must be a finite number, got {number.get(key)!r}"
    return None


def _is_allowed(key: str, value: Any) -> bool:
    """Whether a field of a number may have this value; only the field "value" must not be null."""
    if value is None:
        return key != "value"
    return isinstance(value, int | float) and math.isfinite(value)
