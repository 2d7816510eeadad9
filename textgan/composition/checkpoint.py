"""Composition that starts from the configuration in a checkpoint, not from `conf/config.yaml`.

The file may be untrusted. `stored_config` has the closed list of settings that are taken from it,
`stored_elsewhere` limits the files that it may name, and `stored_part` compares each part with the
file's own weights before one is built.
"""

import copy
import json
from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.conf_folder import choices, conf_folder
from textgan.composition.folder import SECTIONS, package_of, read_yaml, value_at
from textgan.composition.message import sentence
from textgan.composition.overrides import apart
from textgan.errors import ConfigError
from textgan.run.words import Words

_NAME = "from_checkpoint"
_SHARED = ("model", "trainer")


def start_from_checkpoint(path: str, overrides: list[str], words: Words) -> str:
    """Return the name of the configuration to start from if `ckpt_path` is given.

    Groups that the command line names, and loggers, are composed from `conf/` and replace the
    checkpoint's section. With `model=` or `experiment=` the command line describes everything, and
    the checkpoint only has the weights.

    Raises:
        ConfigError: the file is no valid checkpoint, or a sweep has several checkpoints.
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
    config, pipeline, sizes = _read(path)
    for group in named:
        _clear(config, group)
    repeated = (typed - named) | options
    stored = _checked(path, config, pipeline, sizes, known, repeated, words.trust)
    hydras = [entry for entry in own["defaults"] if "hydra/" in str(entry)]
    loggers = {"logger": _loggers(config)}
    composed = [loggers, *({group: None} for group in sorted(named - {"logger"}))]
    node = {"defaults": ["_self_", *composed, *hydras], **settings, **stored, "ckpt_path": path}
    ConfigStore.instance().store(name=_NAME, node=node)
    return _NAME


def _read(path: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, int]]:
    """Return what a checkpoint holds.

    Returns:
        Its configuration, that of its pipeline, and the number of values of each tensor.
    """
    from textgan.checkpoint.reading import read_header  # imports torch, late

    try:
        header = read_header(path)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    config = header["textgan"]["config"]
    if config is None:
        raise ConfigError(f"{path!r} has no configuration of textgan fit: set its model=")
    sizes = {name: tensor.numbers for name, tensor in header["state_dict"].items()}
    return copy.deepcopy(config), header["textgan"]["pipeline"], sizes


def _checked(
    path: str,
    config: dict[str, Any],
    pipeline: dict[str, Any],
    sizes: dict[str, int],
    known: dict[str, Any],
    repeated: set[str],
    trust: Sequence[str],
) -> dict[str, Any]:
    """Return the sections and shared scalars to start from, with their links restored."""
    from textgan.composition.stored_config import scalars_of, take
    from textgan.composition.stored_elsewhere import check_elsewhere
    from textgan.composition.stored_part import check_parts

    try:
        taken = take(config, known, repeated, trust)
        check_elsewhere(path, taken)
        check_parts(config.get("model") or {}, pipeline, sizes, trust)
        linked = OmegaConf.create({**taken.scalars, **taken.sections})
        for place, link in taken.links.items():
            _link(linked, place, link, changed=bool(scalars_of(link) & repeated))
        return OmegaConf.to_container(linked, resolve=False)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{path!r} cannot be used: {error}") from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path!r} cannot be used: {sentence(error)}") from error


def _link(config: DictConfig, place: str, link: str, *, changed: bool) -> None:
    """Replace the value at a place by the link that produced it, unless it was changed later.

    A link to the data, such as `${data.hard}`, keeps the value as its default, because other data
    may lack the setting. `changed` tells whether the command line sets a scalar of the link.
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
    is_other = OmegaConf.select(config, place) != value  # an option of Lightning changed it
    if not changed and is_other:
        OmegaConf.update(config, place, value)


def _loggers(config: dict[str, Any]) -> list[str]:
    """Return the names of the run's loggers that have a YAML file in `conf/`."""
    names = value_at(config, ["composition", "lists", "logger"])
    names = names if isinstance(names, list) else ["csv"]
    return [name for name in choices()["logger"] if name in names]


def _clear(stored: dict[str, Any], group: str) -> None:
    """Remove the values of a group, but not those of other groups in the same place."""
    package = package_of(group)
    *parents, last = package.split(".")
    node = value_at(stored, parents)
    if not isinstance(node, dict):
        return
    if package not in _SHARED:
        node.pop(last, None)
    elif isinstance(node.get(last), dict):
        for path in (conf_folder() / group).glob("*.yaml"):
            for key in read_yaml(path):
                node[last].pop(key, None)
