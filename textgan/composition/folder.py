"""What the YAML files fill in."""

import re
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf

from textgan.composition.conf_folder import conf_folder

SECTIONS = ("seed_everything", "model", "data", "trainer", "ckpt_path")
"""What Lightning is given; the other top-level scalars are for the YAML files to share."""

ONE_FOR_ALL = ("image_size", "channels", "text_width", "noise_width")
"""Scalars that must be the same in every part and in the data, or nothing fits anything."""

NEVER = 10**12
"""More batches than any run has."""


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as it stands, interpolations and all."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def package_of(group: str) -> str:
    """The dotted place that a group fills: what the packages of its files have in common."""
    shared = []
    for parts in zip(*_packages(group), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)


def is_plural(group: str) -> bool:
    """Whether choices of a group stand side by side, each in a place of its own, as losses do."""
    return len({tuple(parts) for parts in _packages(group)}) > 1


def _packages(group: str) -> list[list[str]]:
    packages = []
    for path in (conf_folder() / group).glob("*.yaml"):
        found = re.match(r"# @package (\S+)", path.read_text(encoding="utf-8"))
        packages.append((found[1] if found else group).split("."))
    return packages


def _batches(images: int, *, _root_: DictConfig) -> int:
    """Images over all processes -> batches of one process: `${batches:...}` in a YAML file.

    0 images mean never.

    Raises:
        ValueError: images are negative.
        TypeError: the batch size is no integer.
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
    """Over how many devices of a machine `trainer.devices` spreads."""
    devices = OmegaConf.select(config, "trainer.devices")
    if isinstance(devices, ListConfig):
        return max(1, len(devices))
    if str(devices) in ("auto", "-1"):
        if OmegaConf.select(config, "trainer.accelerator") not in ("gpu", "cuda", "auto"):
            return 1
        import torch  # late: help and completion do without it

        return max(1, torch.cuda.device_count())
    if isinstance(devices, str) and not devices.isdigit():
        return len([device for device in devices.split(",") if device.strip()])
    return max(1, int(devices or 1))


OmegaConf.register_new_resolver("batches", _batches, replace=True)
