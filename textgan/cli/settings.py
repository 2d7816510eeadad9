"""Settings and their descriptions, read from the YAML files and the constructors' docstrings.

The described modules are parsed and not imported, so that help is fast.
"""

import ast
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml
from docstring_parser import DocstringStyle, parse

from textgan.composition.conf_folder import conf_folder

_SECTIONS = ("defaults", "hydra", "trainer", "seed_everything")


@dataclass(frozen=True)
class Setting:
    """One setting; its default is `???` if the user must give it."""

    name: str  # dotted path, as on the command line
    default: Any
    description: str


def shared() -> list[Setting]:
    """Return the shared scalars of `conf/config.yaml`, each with the comment above it."""
    text = (conf_folder() / "config.yaml").read_text(encoding="utf-8")
    values, found, above = yaml.safe_load(text), [], []
    for line in text.splitlines():
        if line.startswith("#"):
            above.append(line.lstrip("# "))
            continue
        key = line.partition(":")[0]
        if key in values and key not in _SECTIONS:
            found.append(Setting(key, values[key], " ".join(above)))
        above.clear()
    return found


def defaults() -> dict[str, list[str]]:
    """Return group -> the choices of `conf/config.yaml` and of the default model."""
    chosen = _chosen(conf_folder() / "config.yaml")
    (model,) = chosen["model"]
    return {**_chosen(conf_folder() / "model" / f"{model}.yaml"), **chosen}


def of_choice(group: str, name: str) -> list[Setting]:
    """Return the settings of one file of a group, with those of the files that it starts from."""
    package, values = _merged(conf_folder() / group / f"{name}.yaml")
    path = "" if package == "_global_" else package
    return _settings(path, values)


def describe_choice(group: str, name: str) -> str:
    """Return the first docstring line of the class that a file builds, or the file's comment.

    It is an empty string if the file builds no class of textgan and has no comment at its start.
    """
    path = conf_folder() / group / f"{name}.yaml"
    found = _definition(str(_merged(path)[1].get("_target_", "")))
    if found is not None:
        return (ast.get_docstring(found) or "").partition("\n")[0]
    lines = path.read_text(encoding="utf-8").splitlines()
    above = takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.lstrip("# ") for line in above if not line.startswith("# @package"))


def _chosen(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["defaults"]:
        if isinstance(entry, dict):
            ((group, names),) = entry.items()
            names = names if isinstance(names, list) else [names]
            found[group.lstrip("/")] = [name for name in names if name is not None]
    return found


def _merged(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the package of a file, and its values merged over those of its base files."""
    text = path.read_text(encoding="utf-8")
    package = re.match(r"# @package (\S+)", text)
    values = yaml.safe_load(text) or {}
    merged: dict[str, Any] = {}
    for base in values.pop("defaults", []):
        if isinstance(base, str) and base != "_self_":
            name = base.removesuffix("@_here_")
            folder = conf_folder() if name.startswith("/") else path.parent
            merged |= _merged(folder / f"{name.lstrip('/')}.yaml")[1]
    return package[1] if package else path.parent.name, _over(merged, values)


def _over(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values of the base, and over them those of a file that starts from it."""
    both = {key for key in base.keys() & values.keys() if isinstance(values[key], dict)}
    return {**base, **values, **{key: _over(base[key] or {}, values[key]) for key in both}}


def _settings(path: str, values: dict[str, Any]) -> list[Setting]:
    """Return one setting for each value, and for each value inside a part."""
    described, found = _arguments(str(values.get("_target_", ""))), []
    for key, value in values.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict) and value:
            found += _settings(name, value)
        elif key not in ("_target_", "_partial_"):
            found.append(Setting(name, value, described.get(key, "")))
    return found


def _arguments(target: str) -> dict[str, str]:
    """Return argument -> its description in the docstring of a class of textgan."""
    found = _definition(target)
    if found is None:
        return {}
    parsed = parse(ast.get_docstring(found) or "", style=DocstringStyle.GOOGLE)
    described = {}
    for argument in parsed.params:
        for name in argument.arg_name.split(", "):
            described[name] = " ".join((argument.description or "").split())
            if elsewhere := re.fullmatch(r"see `(\w+)`\.?", described[name]):
                base = f"{target.rsplit('.', 2)[0]}.base.{elsewhere[1]}"
                described[name] = _arguments(base).get(name, described[name])
    return described


def _definition(target: str) -> ast.ClassDef | ast.FunctionDef | None:
    """Return the syntax tree of a class of this package, or of a method of one."""
    package, *parts = target.split(".")
    folder = Path(__file__).parents[1]
    files = [folder.joinpath(*parts[:n]).with_suffix(".py") for n in range(1, len(parts))]
    depth = next((n for n, file in enumerate(files, 1) if file.is_file()), None)
    if package != "textgan" or depth is None:
        return None
    found: Any = ast.parse(files[depth - 1].read_text(encoding="utf-8"))
    for name in parts[depth:]:
        kinds = (ast.ClassDef, ast.FunctionDef)
        named = [node for node in found.body if isinstance(node, kinds) and node.name == name]
        if not named:
            return None
        found = named[0]
    return found
