"""Differences between two protocols."""

import json
import re
from collections.abc import Iterator
from typing import Any

_MISSING = object()


def comparable(protocol: dict[str, Any]) -> dict[str, Any]:
    """A protocol without its seed, and without its hash, which depends on the seed."""
    return {key: value for key, value in protocol.items() if key not in ("seed", "hash")}


def differences(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    """Differences of two JSON objects by dotted path, as "data.split val against test"."""
    return [f"{path} {against(a, b)}" for path, a, b in _differing(one, two, ())]


def _differing(one: Any, two: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, list) and isinstance(two, list):
        one, two = (dict(enumerate(items)) for items in (one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        for key in dict.fromkeys([*one, *two]):
            inner = one.get(key, _MISSING), two.get(key, _MISSING)
            yield from _differing(*inner, (*path, str(key)))
    elif one != two:
        yield ".".join(path), one, two


def against(one: Any, two: Any) -> str:
    """Both values as text; hashes by their first eight digits if those differ."""
    texts = [_text(value) for value in (one, two)]
    short = [re.sub(r"^([0-9a-f]{8})[0-9a-f]{8,}$", r"\1...", text) for text in texts]
    return " against ".join(short if short[0] != short[1] else texts)


def _text(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
