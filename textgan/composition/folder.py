"""What the YAML files fill in."""

import re
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from textgan.conf_folder import conf_folder

SECTIONS = ("seed_everything", "model", "data", "trainer", "ckpt_path")
"""What Lightning is given; the other top-level scalars are for the YAML files to share."""

NEVER = 10**12
"""More batches than any run has."""


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as it stands, interpolations and all."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def package_of(group: str) -> str:
    """The dotted place that a group fills: what the packages of its files have in common."""
    packages = []
    for path in (conf_folder() / group).glob("*.yaml"):
        found = re.match(r"# @package (\S+)", path.read_text(encoding="utf-8"))
        packages.append((found[1] if found else group).split("."))
    shared = []
    for parts in zip(*packages, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)


def _batches(images: int, *, _root_: DictConfig) -> int:
    """Images over all processes -> batches of one process: `${batches:...}` in a YAML file.

    0 images mean never.

    Raises:
        ValueError: images are negative.
    """
    if int(images) < 0:
        raise ValueError(f"an interval in images must be at least 0, got {images}")
    if int(images) == 0:
        return NEVER
    batch_size = OmegaConf.select(_root_, "data.batch_size") or 1
    devices = OmegaConf.select(_root_, "trainer.devices")
    processes = devices if isinstance(devices, int) and devices > 0 else 1
    return max(1, round(int(images) / (int(batch_size) * processes)))


OmegaConf.register_new_resolver("batches", _batches, replace=True)
