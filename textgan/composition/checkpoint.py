"""Composing from the configuration inside a checkpoint, instead of from `conf/config.yaml`."""

import json
import re
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from textgan.composition.folder import SECTIONS, package_of, read_yaml
from textgan.conf_folder import choices, conf_folder
from textgan.converter import find_links
from textgan.errors import ConfigError

_NAME = "from_checkpoint"
_SHARED = ("model", "trainer")


def start_from_checkpoint(path: str, overrides: list[str], *, sweep: bool) -> str:
    """The name of the configuration to start from where `ckpt_path` is given.

    Groups that the command line names are composed afresh, in place of the checkpoint's section.
    With `model=` or `experiment=` it describes everything, and the checkpoint has only weights.

    Raises:
        ConfigError: the file is no checkpoint, or several are swept over.
    """
    named = {override.split("=")[0].split("@")[0].lstrip("~+") for override in overrides} & {
        *choices()
    }
    if {"model", "experiment"} & named:
        return "config"
    if sweep and "," in path:
        raise ConfigError("ckpt_path cannot be swept without model=, as each has its own model")
    stored = _with_fallback(_stored(path))
    for group in named:
        _clear(stored, group)
    own = read_yaml(conf_folder() / "config.yaml")
    settings = {key: value for key, value in own.items() if key not in (*SECTIONS, "defaults")}
    hydras = [entry for entry in own["defaults"] if "hydra/" in str(entry)]
    defaults = ["_self_", *({group: None} for group in sorted(named)), *hydras]
    node = {"defaults": defaults, **settings, **stored, "ckpt_path": path}
    ConfigStore.instance().store(name=_NAME, node=node)
    return _NAME


def _stored(path: str) -> dict[str, Any]:
    """What was composed for the run, its shared scalars and interpolations in place again."""
    from textgan.checkpoint import read_checkpoint  # imports torch; --cfg need not wait for it

    try:
        config = read_checkpoint(path)["textgan"]["config"]
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    if config is None:
        raise ConfigError(f"{path!r} was not trained by this command, so name its model=")
    stored = {key: value for key, value in config.items() if key != "composition"}
    composition = config.get("composition") or {}
    linked = OmegaConf.create({**composition.get("scalars", {}), **stored})
    for place, link in composition.get("links", {}).items():
        value = OmegaConf.select(linked, place)
        if value is not None:
            OmegaConf.update(linked, place, link)
            if OmegaConf.select(linked, place) != value:  # an option of Lightning's changed it
                OmegaConf.update(linked, place, value)
    return OmegaConf.to_container(linked, resolve=False)


def _with_fallback(stored: dict[str, Any]) -> dict[str, Any]:
    """`${data.hard}` with the value that it has now, for where the new data has no such setting."""
    config = OmegaConf.create(stored)
    for place, link in find_links(stored).items():
        if found := re.fullmatch(r"\$\{(\w+(?:\.\w+)+)\}", link):
            value = OmegaConf.select(config, place)
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            OmegaConf.update(config, place, f"${{oc.select:{found[1]},{json.dumps(plain)}}}")
    return OmegaConf.to_container(config, resolve=False)


def _clear(stored: dict[str, Any], group: str) -> None:
    """Remove what a group gives, but not what other groups put into the same place."""
    package = package_of(group)
    *parents, last = package.split(".")
    node = stored
    for parent in parents:
        node = node.get(parent) or {}
    if package in _SHARED:
        for path in (conf_folder() / group).glob("*.yaml"):
            for key in read_yaml(path):
                (node.get(last) or {}).pop(key, None)
        return
    node.pop(last, None)
