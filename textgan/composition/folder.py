"""Sections, packages and resolvers of the YAML files in `conf/`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf

from textgan.composition.conf_folder import conf_folder

SECTIONS = ("seed_everything", "model", "data", "trainer", "ckpt_path")
"""Keys that Lightning reads; the other top-level scalars are shared by the YAML files."""

ONE_FOR_ALL = ("image_size", "channels", "text_width", "noise_width")
"""Scalars that must be the same in all parts and in the data."""

NEVER = 10**12
"""An interval in batches that no run reaches."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file without resolving its interpolations."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def value_at(config: Any, place: Sequence[str]) -> Any:
    """Return the value below these keys of nested dicts, or None."""
    for name in place:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def package_of(group: str) -> str:
    """Return the dotted place of a group: the common part of the packages of its files."""
    shared = []
    for parts in zip(*_packages(group), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)


def is_plural(group: str) -> bool:
    """Return whether several choices of a group can be combined, as with losses."""
    return len({tuple(parts) for parts in _packages(group)}) > 1


def _packages(group: str) -> list[list[str]]:
    packages = []
    for path in (conf_folder() / group).glob("*.yaml"):
        found = re.match(r"# @package (\S+)", path.read_text(encoding="utf-8"))
        packages.append((found[1] if found else group).split("."))
    return packages


def _batches(images: int, *, _root_: DictConfig) -> int:
    """Convert images over all processes to batches of one process: `${batches:...}` in YAML.

    0 images mean never. Negative images raise ValueError, a batch size of another type TypeError.
    """
    if int(images) < 0:
        raise ValueError(f"an interval in images must be at least 0, got {images}")
    if int(images) == 0:
        return NEVER
    return max(1, round(int(images) / (_batch_size(_root_) * _processes(_root_))))


def _batch_size(config: DictConfig) -> int:
    data = OmegaConf.select(config, "data")
    given = data.get("batch_size", 1) if isinstance(data, DictConfig) else 1
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"data.batch_size must be int, got {given!r}")
    return max(1, given)  # the data module refuses less


def _processes(config: DictConfig) -> int:
    """Return the number of devices that `trainer.devices` selects on a machine."""
    devices = OmegaConf.select(config, "trainer.devices")
    if isinstance(devices, ListConfig):
        return max(1, len(devices))
    if str(devices) in ("auto", "-1"):
        if OmegaConf.select(config, "trainer.accelerator") not in ("gpu", "cuda", "auto"):
            return 1
        import torch  # late, because help and completion do not need it

        return max(1, torch.cuda.device_count())
    if isinstance(devices, str) and not devices.isdigit():
        return len([device for device in devices.split(",") if device.strip()])
    return max(1, int(devices or 1))


def _latent_shape(folder: str | None) -> ListConfig:
    """The shape (c, h, w) of the latents of the autoencoder in a saved pipeline.

    Without a folder it is that of no autoencoder: the composition then says that one is missing.
    """
    if folder is None:
        return OmegaConf.create([1, 8, 8])
    import torch

    from textgan.pretrained.files import read_config
    from textgan.pretrained.hub import find_folder
    from textgan.pretrained.part import build

    try:
        config = read_config(find_folder(folder))
        with torch.device("meta"):
            return OmegaConf.create(list(build(config["autoencoder"]).latent_shape))
    except KeyError as error:
        rule = "autoencoder must be the folder of a pipeline with an autoencoder"
        raise ValueError(f"{rule}, got {folder}") from error


OmegaConf.register_new_resolver("batches", _batches, replace=True)
OmegaConf.register_new_resolver("latent_shape", _latent_shape)
