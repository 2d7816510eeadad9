"""Limits of untrusted structured files, checked before anything is built from their content.

Checkpoints, `config.json`, `run.yaml`, `export.json`, `evaluation.json` and model cards are read
through this module: their bytes are counted before they are read, and depth, values and characters
before they are used. A value that several places share (an alias of YAML, a shared object of a
pickle) counts at each of them, so that a small file cannot describe a huge structure.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TEXT_BYTES = 1_000_000
"""The most bytes that are read of a JSON file, or of the front matter of a model card."""
YAML_BYTES = 500_000
"""The most bytes of a YAML text: PyYAML takes 1 s for them, and 10 s without its C code."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C code is not always built


@dataclass(frozen=True)
class Limits:
    """The most that a structure may hold.

    Attributes:
        depth: lists and dicts inside each other.
        values: of all kinds together, without keys.
        characters: of all strings and keys together.
        largest: absolute value of a whole number.
        finite: whether numbers must be finite.
    """

    depth: int = 32
    values: int = 300_000
    characters: int = 1_000_000
    largest: int = 2**63
    finite: bool = True


def shown(text: str, limit: int = 80) -> str:
    """Shorten untrusted text, and escape it if it could move a terminal's cursor."""
    return text[:limit] if text.isprintable() else ascii(text)[:limit]


def walk(
    value: Any,
    where: str,
    *,
    name: str,
    limits: Limits = Limits(),
    leaves: tuple[type, ...] = (),
    keys: tuple[type, ...] = (str,),
) -> Iterator[tuple[str, Any, Any]]:
    """Yield all values inside a structure, each one after it was checked.

    Args:
        value: what JSON can hold.
        where: the file of the structure, for the error message.
        name: the name of the value in the file, for the error message.
        limits: the most that the structure may hold.
        leaves: further classes of values that are allowed; their content is not checked.
        keys: the classes that keys of dicts may have.

    Yields:
        name, key (None in a list and for the value itself) and value, from outside to inside.

    Raises:
        ValueError: the structure exceeds the limits, or has a number that is not finite, a key of
            another class, or a value that JSON cannot hold.
    """
    yield from _Walk(where, limits, leaves, keys).inside(value, name, None, 0)


def check_limits(value: Any, where: str, *, name: str, limits: Limits) -> None:
    """Raise ValueError as `walk` does."""
    for _ in walk(value, where, name=name, limits=limits):
        pass


class _Walk:
    def __init__(
        self, where: str, limits: Limits, leaves: tuple[type, ...], keys: tuple[type, ...]
    ):
        self.where, self.limits, self.leaves, self.keys = where, limits, leaves, keys
        self.values = self.characters = 0

    def inside(self, value: Any, name: str, key: Any, depth: int) -> Iterator[tuple[str, Any, Any]]:
        if depth > self.limits.depth:
            self._refuse(f"be nested at most {self.limits.depth} deep, got more in {name}")
        self._count(value, name)
        yield name, key, value
        if isinstance(value, dict):
            for inner, item in value.items():
                if not isinstance(inner, self.keys):
                    self._refuse(f"have strings as keys, got {inner!r:.40} in {name}")
                self._count_characters(str(inner), name)
                yield from self.inside(item, shown(f"{name}.{inner}"), inner, depth + 1)
        elif isinstance(value, list | tuple):
            for place, item in enumerate(value):
                yield from self.inside(item, shown(f"{name}[{place}]"), None, depth + 1)

    def _count(self, value: Any, name: str) -> None:
        self.values += 1
        if self.values > self.limits.values:
            self._refuse(f"hold at most {self.limits.values:,} values, got more in {name}")
        if isinstance(value, str):
            self._count_characters(value, name)
        elif isinstance(value, float):
            if self.limits.finite and not math.isfinite(value):
                self._refuse(f"have finite numbers, got {name} = {value}")
        elif isinstance(value, int):
            if abs(value) > self.limits.largest:
                rule = f"have whole numbers of at most {self.limits.largest:,}"
                self._refuse(f"{rule}, got {name} = {_digits(value)}")
        elif value is not None and not isinstance(value, (dict, list, tuple, *self.leaves)):
            kinds = "numbers, strings, lists and dicts"
            self._refuse(f"hold only {kinds}, got {type(value).__name__} as {name}")

    def _count_characters(self, text: str, name: str) -> None:
        self.characters += len(text)
        if self.characters > self.limits.characters:
            self._refuse(f"hold at most {self.limits.characters:,} characters, got more in {name}")

    def _refuse(self, rule: str) -> None:
        raise ValueError(f"{self.where} must {rule}")


def _digits(number: int) -> str:
    """The number, or its length in bits: Python refuses to print more than 4,300 digits."""
    return f"{number}" if number.bit_length() < 100 else f"one of {number.bit_length():,} bits"


def read_json(file: Path, *, most: int = TEXT_BYTES, limits: Limits | None = None) -> Any:
    """Read a JSON file of at most `most` bytes; without limits, the caller checks the content.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is too long, is no valid JSON, or exceeds the limits.
    """
    content = _bytes_of(file, most)
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not valid JSON: {error}") from error
    if limits is not None:
        check_limits(value, str(file), name="it", limits=limits)
    return value


def read_yaml(file: Path, *, limits: Limits | None = None) -> Any:
    """Read a YAML file of at most YAML_BYTES.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is too long, is no valid YAML, or exceeds the limits.
    """
    return parse_yaml(_bytes_of(file, YAML_BYTES).decode(errors="replace"), str(file), limits)


def parse_yaml(text: str, where: str, limits: Limits | None = None) -> Any:
    """Read a YAML text of one document, whose length the caller checked, into plain values.

    Raises:
        ValueError: the text is no valid YAML, or exceeds the limits.
    """
    limits = limits or Limits()
    problem = None
    try:
        problem = _too_much(text, limits)
        if problem is None:
            return yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{where} is not valid YAML: {reason:.200}") from error
    raise ValueError(f"{where} must {problem}")


def _too_much(text: str, limits: Limits) -> str | None:
    """The rule that a YAML text would break if its aliases and merges were expanded, or None."""
    # sizes: the values below an anchor, once it is closed; open_nodes: anchor, values before it
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    values = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                return "not have an alias without an anchor, or inside its own anchor"
            values += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            sizes[event.anchor or ""] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            values += 1
            sizes.pop(event.anchor or "", None)
            open_nodes.append((event.anchor, values))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes[anchor or ""] = values - before + 1
        if values > 2 * limits.values:  # keys are values here
            return f"hold at most {limits.values:,} values, got more"
        if len(open_nodes) > limits.depth:
            return f"be nested at most {limits.depth} deep, got more"
    return None


def _bytes_of(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(most + 1)
    check_size(len(content), str(file), most)
    return content


def check_size(size: int, where: str, most: int = TEXT_BYTES) -> None:
    """Raise ValueError if a file has more than `most` bytes."""
    if size > most:
        raise ValueError(f"{where} must have at most {most:,} bytes, got more")
