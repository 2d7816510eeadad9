"""Paths inside a checkpoint's configuration that lead nowhere on this machine."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PATHS = re.compile(r".*(root|path|file|folder|pretrained|weights|urls)")


def moved(said: str, config: dict[str, Any]) -> str:
    """The end of a sentence that names the setting to give; empty where no path is missing.

    Args:
        said: the sentence on what failed.
        config: what runs, as LightningCLI has it. A path in it counts that the sentence quotes,
            and that is not there.
    """
    links = (config.get("composition") or {}).get("links", {})
    sections = {key: config.get(key) for key in ("data", "model")}
    for setting, value in _texts(sections, ""):
        if value in said and _PATHS.fullmatch(setting) and not Path(value).exists():
            shared = re.fullmatch(r"\$\{(\w+)\}", str(links.get(setting, "")))
            name = shared[1] if shared else setting
            return f"; the checkpoint was trained where it was: give {name}=PATH, where it is now"
    return ""


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Dotted settings, as one types them, and their texts."""
    if isinstance(value, str) and value:
        yield name, value
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        below = name if key == "init_args" else f"{name}.{key}".lstrip(".")
        yield from _texts(inner, below)
