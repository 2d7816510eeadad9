"""Conversion of values on the command line to Hydra's grammar.

Hydra's grammar has neither letters outside ASCII nor most signs, and reads `1e5`, `null` and `a,b`
as a number, a null and a list. That is right for a number, and wrong for the name of a folder.
"""

import re
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.setting import Kind
from textgan.errors import ConfigError
from textgan.file.home import expanded

_parser = OverridesParser.create()
_ELEMENT = re.compile(
    r"""\s*(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\s*(?=,|$)"""  # quoted whole
    r"""|\s*\[(?:[^\[\]]|\[[^\[\]]*\])*\]\s*(?=,|$)|\s*\{[^{}]*\}\s*(?=,|$)"""  # a list, a dict
    r"""|(?:\$\{[^}]*\}|[^,])*"""
)
_CALL = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag|int|float|str|bool)\(.*\)\s*")
_NAME = re.compile(r"[\w.-]+", re.ASCII)


def read(override: str) -> Override | None:
    """Parse an override by Hydra's grammar; return None if that fails."""
    try:
        return _parser.parse_override(override)
    except HydraException:
        return None


def as_meant(key: str, value: str, kind: Kind, *, sweep: bool) -> str:
    r"""Rewrite a value that Hydra would read as another value or not at all.

    For a setting of type text, the typed text is the value, with these exceptions: quotes around a
    text are removed; `null` is null if the setting takes it; `${...}` is an interpolation
    (`\${...}` is literal); and in a sweep, commas separate values and functions are called.

    Raises:
        ConfigError: a list, dict or function cannot be read, or a path is empty.
    """
    if sweep and _CALL.fullmatch(value):
        if (parsed := read(f"x={value}")) is None:
            raise ConfigError(f"{key}={value} cannot be read: {_reason(value)}")
        if parsed.is_sweep_override() or not kind.is_text:
            return value
    elements = _elements(value) if sweep else [value]
    if kind.is_text:
        return ",".join(_text(key, element, kind) for element in elements)
    if read(f"x={value}") is not None:
        return value
    return ",".join(_readable(key, element) for element in elements)


def quoted(text: str) -> str:
    """Quote a text by Hydra's grammar; `${...}` in it stays an interpolation."""
    return QuotedString(text=text, quote=Quote.single).with_quotes()


def literal(text: str) -> str:
    """Escape a text so that `${` in it starts no interpolation."""
    return text.replace("${", "\\${")


def stands_as_typed(value: str) -> bool:
    """Return whether Hydra reads a value as exactly the typed text."""
    plainly = value.strip() and not value.startswith("~") and "${" not in value
    parsed = read(f"x={value}") if plainly else None
    return parsed is not None and type(parsed._value) is str and parsed._value == value


def is_sweep(value: str) -> bool:
    """Return whether Hydra reads several values."""
    parsed = read(f"x={value}")
    return parsed is not None and parsed.is_sweep_override()


def plain(value: str) -> Any:
    """Return the value that Hydra reads, such as a number; a sweep is returned as it was typed."""
    parsed = read(f"x={value}")
    return value if parsed is None or parsed.is_sweep_override() else parsed.value()


def _elements(value: str) -> list[str]:
    """Split a sweep at its commas, except those in quotes and in `${...}`."""
    found, place = [], 0
    while True:
        element = _ELEMENT.match(value, place)
        found.append(element[0])
        place = element.end() + 1
        if place > len(value):
            return found


def _text(key: str, value: str, kind: Kind) -> str:
    parsed = read(f"x={value}")
    understood = None if parsed is None else parsed._value
    if isinstance(understood, QuotedString):
        is_null = kind.takes_null and kind.is_path and understood.text.lower() == "null"
        return "./null" if is_null else value  # LightningCLI reads the text null as None
    if understood is None and parsed is not None and kind.takes_null:
        return value
    if kind.is_path and not value.strip():
        raise ConfigError(f"{key} must name a file or folder, got an empty text")
    text = _literal_where_broken(expanded(value) if kind.is_path else value)
    return text if understood == text else quoted(text)


def _literal_where_broken(text: str) -> str:
    """Escape a text whose `${` starts no valid interpolation."""
    try:
        OmegaConf.create({"x": text})
    except OmegaConfBaseException:
        return literal(text)
    return text


def _readable(key: str, value: str) -> str:
    """Convert a value that Hydra cannot read; a list or dict is read by YAML's grammar."""
    if read(f"x={value}") is not None:
        return value
    if value.lstrip()[:1] not in ("[", "{"):
        return quoted(_literal_where_broken(value))
    try:
        return _written(OmegaConf.to_container(OmegaConf.create(value), resolve=False))
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        rule = 'quote the texts in a list or dict, as in ["one", "two"]'
        raise ConfigError(f"{key}={value} cannot be read: {rule}") from error


def _written(value: Any) -> str:
    """Write a plain value in Hydra's grammar."""
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        if odd := [name for name in value if not _NAME.fullmatch(str(name))]:
            raise ValueError(f"a dict's key must be made of letters and digits, got {odd[0]!r}")
        return f"{{{','.join(f'{name}:{_written(item)}' for name, item in value.items())}}}"
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else str(value).lower()


def _reason(value: str) -> str:
    """Return Hydra's message about a function that it cannot evaluate."""
    try:
        _parser.parse_override(f"x={value}")
    except HydraException as error:
        lines = [line.strip() for line in str(error.__cause__ or error).splitlines()]
        return " ".join(line for line in lines if line)
    return "it is not a function for sweeps"
