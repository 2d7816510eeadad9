"""Write a configuration so that LightningCLI reads the same values again."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from textgan.file.atomic import whole


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper, which also quotes texts that only LightningCLI reads as numbers.

    In YAML 1.1, which PyYAML follows, `1e5` is a text; for LightningCLI's reader it is a number.
    """


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.[\d_]+)([eE][-+]?\d+)?|[-+]?\.(inf|nan)", re.IGNORECASE),
    list("-+0123456789."),
)


def with_texts(dumped: Any, parsed: Any) -> Any:
    """Restore the parsed texts in values that jsonargparse dumped: it dumps "1e5" as a number."""
    if isinstance(dumped, dict):
        items = parsed if isinstance(parsed, Mapping) else getattr(parsed, "__dict__", {})
        return {key: with_texts(value, items.get(key)) for key, value in dumped.items()}
    if isinstance(dumped, list):
        several = isinstance(parsed, Sequence) and len(parsed) == len(dumped)
        items = parsed if several else [None] * len(dumped)
        return [with_texts(value, item) for value, item in zip(dumped, items, strict=True)]
    return parsed if isinstance(parsed, str) else dumped


def write_yaml(path: Path, config: dict[str, Any]) -> None:
    text = yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8")
