"""Conversion of a configuration between the forms of Hydra and of Lightning.

Hydra: `{_target_: C, a: 1}`; Lightning: `{class_path: C, init_args: {a: 1}}`. Lists of
Lightning are dicts in `conf/`, so that their entries have names.
"""

from typing import Any

LISTS = ("callbacks", "logger")
"""Trainer settings that are dicts in `conf/` and lists in Lightning."""


def to_lightning(config: dict[str, Any]) -> dict[str, Any]:
    """Convert the sections of a composed configuration to LightningCLI's form.

    Callbacks and loggers in a form of Lightning's own (a list, one entry with a `_target_`, true or
    false) are not changed.
    """
    config = dict(config)
    trainer = dict(config.get("trainer") or {})
    for key in LISTS:
        entries = trainer.get(key)
        if isinstance(entries, dict) and "_target_" not in entries:
            trainer[key] = [entry for entry in entries.values() if entry is not None]
    if trainer:
        config["trainer"] = trainer
    return _to_class_path(config)


def to_hydra(config: dict[str, Any], lists: dict[str, list[str]]) -> dict[str, Any]:
    """Invert `to_lightning`; `lists` are the names that `list_names` returned."""
    config = _to_target(config)
    for key, names in lists.items():
        entries = config["trainer"].get(key)
        if isinstance(entries, list) and len(entries) == len(names):
            config["trainer"][key] = dict(zip(names, entries, strict=True))
    return config


def list_names(config: dict[str, Any]) -> dict[str, list[str]]:
    """Return the names that `to_lightning` loses: setting -> names of its entries, in order."""
    trainer = config.get("trainer") or {}
    dicts = {key: trainer[key] for key in LISTS if isinstance(trainer.get(key), dict)}
    return {
        key: [name for name, entry in entries.items() if entry is not None]
        for key, entries in dicts.items()
        if "_target_" not in entries
    }


def find_links(unresolved: Any, path: str = "") -> dict[str, str]:
    """Find the settings that are interpolations: dotted path -> `${...}`, as it was written."""
    if isinstance(unresolved, dict):
        links: dict[str, str] = {}
        for key, value in unresolved.items():
            links |= find_links(value, f"{path}.{key}" if path else str(key))
        return links
    if isinstance(unresolved, list) and not any(isinstance(x, dict | list) for x in unresolved):
        unresolved = f"[{', '.join(map(str, unresolved))}]"  # ["${channels}", 3] is one link
    is_link = isinstance(unresolved, str) and "${" in unresolved
    return {path: unresolved} if is_link else {}


def _to_class_path(node: Any) -> Any:
    if isinstance(node, list):
        return [_to_class_path(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {k: _to_class_path(v) for k, v in node.items() if k not in ("_target_", "_partial_")}
    if "_target_" not in node:
        return inner
    return {"class_path": node["_target_"], **({"init_args": inner} if inner else {})}


def _to_target(node: Any) -> Any:
    if isinstance(node, list):
        return [_to_target(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "class_path" in node and node.keys() <= {"class_path", "init_args", "dict_kwargs"}:
        given = {**(node.get("init_args") or {}), **(node.get("dict_kwargs") or {})}
        return {"_target_": node["class_path"], **_to_target(given)}
    return {key: _to_target(value) for key, value in node.items()}
