"""Limits that every structured file of a stranger keeps before anything is built from it.

Checkpoints, `config.json`, `run.yaml`, `export.json`, `evaluation.json` and model cards all come
through here: their bytes are counted before they are read, and depth, values and letters before
anything is made of them. A value that several places share (an alias of YAML, a shared object of a
pickle) counts at each of them, so that a small file cannot stand for a huge structure.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TEXT_BYTES = 1_000_000
"""Of a JSON file or the head of a card that is read at most."""
YAML_BYTES = 500_000
"""Of a YAML text that is read at most: PyYAML takes a second for it, without its C code ten."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, where it was built


@dataclass(frozen=True)
class Limits:
    """The most that a structure may hold.

    Attributes:
        depth: lists and dicts inside each other.
        values: of all kinds together, keys left out.
        letters: of all strings and keys together.
        largest: absolute value of a whole number.
        finite: whether numbers must be finite.
    """

    depth: int = 32
    values: int = 300_000
    letters: int = 1_000_000
    largest: int = 2**63
    finite: bool = True


def shown(text: str, limit: int = 80) -> str:
    """A stranger's words, short, and without what moves a terminal's cursor."""
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
    """All values inside a structure, each checked before it is handed out.

    Args:
        value: what JSON can hold.
        where: the file that it stands in, for the sentence.
        name: of the value in it, for the sentence.
        limits: how much it may hold.
        leaves: classes of further values that it may hold, which are not looked into.
        keys: classes of the keys that its dicts may have.

    Yields:
        name, key (None in a list and for the value itself) and value, from outside to inside.

    Raises:
        ValueError: it holds more than the limits say, a number that is not finite, a key of
            another class, or something that JSON cannot hold.
    """
    yield from _Walk(where, limits, leaves, keys).inside(value, name, None, 0)


class _Walk:
    def __init__(
        self, where: str, limits: Limits, leaves: tuple[type, ...], keys: tuple[type, ...]
    ):
        self.where, self.limits, self.leaves, self.keys = where, limits, leaves, keys
        self.values = self.letters = 0

    def inside(self, value: Any, name: str, key: Any, depth: int) -> Iterator[tuple[str, Any, Any]]:
        if depth > self.limits.depth:
            deepest = self.limits.depth
            self._refuse(f"be nested at most {deepest} deep, got more in {name}")
        self._count(value, name)
        yield name, key, value
        if isinstance(value, dict):
            for inner, item in value.items():
                if not isinstance(inner, self.keys):
                    self._refuse(f"have strings as keys, got {inner!r:.40} in {name}")
                self._spend(len(str(inner)), name)
                yield from self.inside(item, shown(f"{name}.{inner}"), inner, depth + 1)
        elif isinstance(value, list | tuple):
            for place, item in enumerate(value):
                yield from self.inside(item, shown(f"{name}[{place}]"), None, depth + 1)

    def _count(self, value: Any, name: str) -> None:
        self.values += 1
        if self.values > self.limits.values:
            self._refuse(f"hold at most {self.limits.values:,} values, got more in {name}")
        if isinstance(value, str):
            self._spend(len(value), name)
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

    def _spend(self, letters: int, name: str) -> None:
        self.letters += letters
        if self.letters > self.limits.letters:
            self._refuse(f"hold at most {self.limits.letters:,} letters, got more in {name}")

    def _refuse(self, rule: str) -> None:
        raise ValueError(f"{self.where} must {rule}")


def _digits(number: int) -> str:
    """The number, or how long it is: Python refuses to print more than 4,300 digits."""
    return f"{number}" if number.bit_length() < 100 else f"one of {number.bit_length():,} bits"


def read_json(file: Path, *, most: int = TEXT_BYTES, limits: Limits | None = None) -> Any:
    """The content of a JSON file.

    Args:
        file: a regular file.
        most: bytes that it may have.
        limits: of what it says; None leaves the check to the caller.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer, no valid JSON, or says more than the limits allow.
    """
    content = _bytes_of(file, most)
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not valid JSON: {error}") from error
    if limits is not None:
        for _ in walk(value, str(file), name="it", limits=limits):
            pass
    return value


def read_yaml(file: Path, *, limits: Limits | None = None) -> Any:
    """The content of a YAML file, whose size is known before anything is made of it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer than YAML_BYTES, no valid YAML, or holds more than the limits say.
    """
    return parse_yaml(_bytes_of(file, YAML_BYTES).decode(errors="replace"), str(file), limits)


def parse_yaml(text: str, where: str, limits: Limits | None = None) -> Any:
    """Read a YAML text into plain values.

    Args:
        text: one document.
        where: it stands, for the sentence.
        limits: of what it says.

    Raises:
        ValueError: it is no valid YAML, or holds more than the limits say.
    """
    limits = limits or Limits()
    problem = None
    try:
        problem = _too_much(text, limits)
        if problem is None:
            return yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{where} is not valid YAML: {said:.200}") from error
    raise ValueError(f"{where} must {problem}")


def _too_much(text: str, limits: Limits) -> str | None:
    """The rule that a YAML text breaks once its aliases and merges are unfolded; they are not."""
    sizes: dict[str, int] = {}  # values below an anchor, once it is closed
    open_nodes: list[tuple[str | None, int]] = []  # its anchor, and the values before it
    values = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                return "not have an alias of nothing or inside what it stands for"
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
    """Refuse a file that is too long.

    Raises:
        ValueError: it has more than `most` bytes.
    """
    if size > most:
        raise ValueError(f"{where} must have at most {most:,} bytes, got more")
