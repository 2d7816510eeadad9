"""Composing from the configuration inside a checkpoint, instead of from `conf/config.yaml`.

The file may be a stranger's. `stored_config` says what is taken of it, `stored_elsewhere` which
files it may name, and each part is outlined against the file's own weights before one is built.
"""

import copy
import json
from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.conf_folder import choices, conf_folder
from textgan.composition.folder import SECTIONS, package_of, read_yaml
from textgan.composition.message import sentence
from textgan.composition.overrides import apart
from textgan.errors import ConfigError
from textgan.run.words import Words

_NAME = "from_checkpoint"
_SHARED = ("model", "trainer")


def start_from_checkpoint(path: str, overrides: list[str], words: Words) -> str:
    """The name of the configuration to start from where `ckpt_path` is given.

    Groups that the command line names are composed afresh, in place of the checkpoint's section,
    and loggers always are. With `model=` or `experiment=` the command line describes everything,
    and the checkpoint has only weights.

    Args:
        path: of the checkpoint.
        overrides: of the command line.
        words: the same command line's options and trusted packages.

    Raises:
        ConfigError: the file is no checkpoint, holds what none does, or several are swept over.
    """
    typed = {apart(override).key.partition("@")[0] for override in overrides}
    named = typed & {*choices()}
    if {"model", "experiment"} & named:
        return "config"
    if words.sweep and "," in path:
        raise ConfigError("ckpt_path cannot be swept without model=, as each has its own model")
    options = {name.replace(".init_args.", ".") for name, _ in words.pairs()}
    own = read_yaml(conf_folder() / "config.yaml")
    settings = {key: value for key, value in own.items() if key not in (*SECTIONS, "defaults")}
    known = {key: value for key, value in settings.items() if key not in ("hydra", "captions_file")}
    config, sizes = _read(path)
    for group in named:
        _clear(config, group)
    repeated = (typed - named) | options
    stored = _checked(path, config, sizes, known, repeated, words.trust)
    hydras = [entry for entry in own["defaults"] if "hydra/" in str(entry)]
    loggers = {"logger": _loggers(config)}
    afresh = [loggers, *({group: None} for group in sorted(named - {"logger"}))]
    node = {"defaults": ["_self_", *afresh, *hydras], **settings, **stored, "ckpt_path": path}
    ConfigStore.instance().store(name=_NAME, node=node)
    return _NAME


def _read(path: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The configuration inside a checkpoint, and how many numbers each of its tensors holds."""
    from textgan.checkpoint.reading import read_header  # imports torch; --cfg need not wait for it

    try:
        header = read_header(path)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    config = header["textgan"]["config"]
    if config is None:
        raise ConfigError(f"{path!r} was not trained by this command, so name its model=")
    sizes = {name: tensor.numbers for name, tensor in header["state_dict"].items()}
    return copy.deepcopy(config), sizes


def _checked(
    path: str,
    config: dict[str, Any],
    sizes: dict[str, int],
    known: dict[str, Any],
    repeated: set[str],
    trust: Sequence[str],
) -> dict[str, Any]:
    """The sections and shared scalars to start from, with their links in place again."""
    from textgan.composition.stored_config import scalars_of, take
    from textgan.composition.stored_elsewhere import check_elsewhere
    from textgan.composition.stored_part import check_parts

    try:
        taken = take(config, known, repeated, trust)
        check_elsewhere(path, taken)
        check_parts(config.get("model") or {}, sizes, trust)
        linked = OmegaConf.create({**taken.scalars, **taken.sections})
        for place, link in taken.links.items():
            _link(linked, place, link, changed=bool(scalars_of(link) & repeated))
        return OmegaConf.to_container(linked, resolve=False)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{path!r} cannot be composed from: {error}") from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path!r} cannot be composed from: {sentence(error)}") from error


def _link(config: DictConfig, place: str, link: str, *, changed: bool) -> None:
    """Put a link in the place of the value that it gave, unless that was changed since.

    `${data.hard}` keeps the value that it has now, for where other data has no such setting.

    Args:
        config: all sections and scalars.
        place: of the value.
        link: the interpolation, or a list of them.
        changed: whether the command line sets a scalar that it refers to.
    """
    value = OmegaConf.select(config, place)
    if value is None and not changed:
        return
    if link.startswith("${data."):
        setting = link[2:-1]
        if "data" not in config or OmegaConf.select(config, setting) == value:
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            OmegaConf.update(config, place, f"${{oc.select:{setting},{json.dumps(plain)}}}")
        return
    items = link.strip("[]").split(", ")
    OmegaConf.update(config, place, items if link.startswith("[") else link)
    if not changed and OmegaConf.select(config, place) != value:  # by an option of Lightning's
        OmegaConf.update(config, place, value)


def _loggers(config: dict[str, Any]) -> list[str]:
    """The YAML files of the loggers that the run had, as far as they are textgan's."""
    composition = config.get("composition")
    lists = composition.get("lists") if isinstance(composition, dict) else None
    names = lists.get("logger") if isinstance(lists, dict) else None
    names = names if isinstance(names, list) else ["csv"]
    return [name for name in choices()["logger"] if name in names]


def _clear(stored: dict[str, Any], group: str) -> None:
    """Remove what a group gives, but not what other groups put into the same place."""
    package = package_of(group)
    *parents, last = package.split(".")
    node: Any = stored
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return
    if package not in _SHARED:
        node.pop(last, None)
    elif isinstance(node.get(last), dict):
        for path in (conf_folder() / group).glob("*.yaml"):
            for key in read_yaml(path):
                node[last].pop(key, None)
