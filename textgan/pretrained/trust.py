"""The packages whose classes an untrusted file may name."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_OWN = "textgan"
_PREFIX = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def is_trusted(target: str, trust: Sequence[str] = ()) -> bool:
    """True if a dotted name lies in textgan or in one of the trusted packages.

    Raises:
        ValueError: an entry of `trust` is no dotted name of a package or a module.
    """
    trust = (trust,) if isinstance(trust, str) else trust
    for prefix in trust:
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            rule = "trust must be the dotted names of packages or modules"
            raise ValueError(f"{rule}, got {prefix!r:.80}")
    return any(target.startswith(f"{prefix}.") for prefix in (_OWN, *trust))


def packages_to_trust(config: Any) -> list[str]:
    """List the packages other than textgan that a config names parts of, sorted."""
    targets = {str(inner["_target_"]) for inner in parts_of({"it": config}).values()}
    return sorted({target.partition(".")[0] for target in targets if not is_trusted(target)})


def parts_of(value: Any) -> dict[str, dict[str, Any]]:
    """Return the configs of all parts inside a config, by dotted name as in a state dict."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    found = {}
    for name, inner in items:
        if isinstance(inner, Mapping) and "_target_" in inner:
            found[str(name)] = inner
        if isinstance(inner, Mapping | list):
            found |= {f"{name}.{below}": part for below, part in parts_of(inner).items()}
    return found


def part_within(config: dict[str, Any], part: str, folder: Path) -> dict[str, Any]:
    """Return the config of the part with this dotted name.

    Raises:
        ValueError: the config has no such part.
    """
    parts = parts_of(config)
    if part not in parts:
        known = f"one of {', '.join(parts)}" if parts else "None"
        raise ValueError(f"part must be {known} for {folder}, got {part!r}")
    return parts[part]
