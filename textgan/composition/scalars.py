"""Check of the top-level scalars, which the YAML files share."""

import json
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.conf_folder import conf_folder
from textgan.composition.folder import SECTIONS, read_yaml
from textgan.composition.message import sentence
from textgan.errors import ConfigError, did_you_mean


def check_scalars(config: DictConfig) -> None:
    """Check the types of a composition's scalars before any value is computed from them.

    A list, a dict, another type than in `conf/config.yaml`, or an unknown section is a ConfigError.
    """
    own = read_yaml(conf_folder() / "config.yaml")
    for key in config:
        if key in SECTIONS or OmegaConf.is_missing(config, key):
            continue
        try:
            value = config[key]
        except OmegaConfBaseException as error:
            raise ConfigError(sentence(error)) from error
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value, resolve=False)
        if key not in own:
            if isinstance(value, dict | list):
                raise ConfigError(f"no such section: {key!r}{did_you_mean(key, [*SECTIONS])}")
        elif isinstance(value, dict | list):
            raise ConfigError(_not_one(key, value))
        elif type(own[key]) is int and not _is_whole(value):
            raise ConfigError(f"{key} must be int, got {json.dumps(value, ensure_ascii=False)}")
        elif key == "seed" and not 0 <= value < 2**32:
            raise ConfigError(f"seed must be from 0 to {2**32 - 1}, got {value}")


def _not_one(key: str, value: Any) -> str:
    rule = f"{key} must be one value, got {json.dumps(value, ensure_ascii=False)}"
    if isinstance(value, dict) or not value:
        return rule
    return f"{rule}: to run each of them, use -m {key}={','.join(map(str, value))}"


def _is_whole(value: Any) -> bool:
    """Return whether a value is an integer, also in the form 1e6."""
    return type(value) is int or (type(value) is float and value.is_integer())
