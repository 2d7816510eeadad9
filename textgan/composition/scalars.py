"""The top-level scalars, which the YAML files share: each is one value of its type."""

import json
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.conf_folder import conf_folder
from textgan.composition.folder import SECTIONS, read_yaml
from textgan.composition.message import sentence
from textgan.errors import ConfigError, did_you_mean


def check_scalars(config: DictConfig) -> None:
    """Look at the scalars of a composition before anything is computed from them.

    Raises:
        ConfigError: one is a list, a dict or of another type than in `conf/config.yaml`, or there
            is a section that LightningCLI does not have.
    """
    own = read_yaml(conf_folder() / "config.yaml")
    for key in config:
        if key in SECTIONS or OmegaConf.is_missing(config, key):
            continue
        try:
            value = config[key]
        except OmegaConfBaseException as error:
            raise ConfigError(sentence(error)) from error
        plain = (
            OmegaConf.to_container(value, resolve=False) if OmegaConf.is_config(value) else value
        )
        if key not in own:
            if isinstance(plain, dict | list):
                raise ConfigError(f"no such section: {key!r}{did_you_mean(key, [*SECTIONS])}")
        elif isinstance(plain, dict | list):
            raise ConfigError(_not_one(key, plain))
        elif type(own[key]) is int and not _is_whole(plain):
            raise ConfigError(f"{key} must be int, got {json.dumps(plain, ensure_ascii=False)}")
        elif key == "seed" and not 0 <= plain < 2**32:
            raise ConfigError(f"seed must be from 0 to {2**32 - 1}, got {plain}")


def _not_one(key: str, value: Any) -> str:
    said = f"{key} must be one value, got {json.dumps(value, ensure_ascii=False)}"
    if isinstance(value, dict) or not value:
        return said
    return f"{said}: a run for each of them is -m {key}={','.join(map(str, value))}"


def _is_whole(value: Any) -> bool:
    """Whether a value is an integer, also where it is written like 1e6."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or value.is_integer()
