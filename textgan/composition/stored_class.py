"""Closed list of the classes that the configuration in a checkpoint may name."""

import importlib
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from textgan.composition.conf_folder import choices
from textgan.errors import ConfigError
from textgan.pretrained.part import Part
from textgan.pretrained.trust import is_trusted

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z]\w*)+", re.ASCII)
_LIGHTNING = tuple(
    f"pytorch_lightning.callbacks.{name}"
    for name in ("DeviceStatsMonitor", "EarlyStopping", "LearningRateMonitor", "Timer")
)
_AT_THE_TOP = ("model", "data", "callback")
_INSIDE_METRICS = ("extractor", "judge")


def allowed_class(target: Any, place: str, trust: Sequence[str] = ()) -> Callable[..., Any]:
    """Return the class, or its `from_pretrained`, that `_target_` names at a dotted place.

    Classes of textgan that fit the place, of torch.optim, of a short list of Lightning's and of
    trusted packages are allowed; others raise ConfigError.
    """
    if not isinstance(target, str) or not _DOTTED.fullmatch(target):
        raise ConfigError(f"{place} must name a class, got {target!r:.80}")
    package = target.partition(".")[0]
    if package == "textgan":
        allowed = _is_at_its_place(target, place)
    elif target.startswith("torch.optim."):
        allowed = "optimizer" in place.rpartition(".")[2]
    else:
        allowed = target in _LIGHTNING or is_trusted(target, trust)
        if not allowed:
            raise ConfigError(
                f"{place} is {target!r:.80}, which is outside textgan: if you trust the file, "
                f"--trust {package} allows its classes"
            )
    found = _found(target) if allowed else None
    if found is None:
        raise ConfigError(f"{place} must name a class that belongs there, got {target!r:.80}")
    return found


def _is_at_its_place(target: str, place: str) -> bool:
    """Return whether it is a class of a Hydra group, or of a metric, that fits the section."""
    if place == "model.budget":
        return target == "textgan.training.budget.Budget"
    if place == "model.embedder":
        return target == "textgan.pipeline.contrastive.ContrastivePipeline.from_pretrained"
    if "optimizer" in place.rpartition(".")[2]:
        return target == "textgan.training.muon.Muon"
    group = target.split(".")[1]
    section = {"model": "model", "data": "data"}.get(place)
    if place.startswith("trainer.callbacks."):
        section = "callback"
    if section is None:
        return group in {*choices(), *_INSIDE_METRICS} and group not in _AT_THE_TOP
    return group == section


def _found(target: str) -> Callable[..., Any] | None:
    module, _, name = target.rpartition(".")
    if name == "from_pretrained":
        cls = _found(module)
        is_part = inspect.isclass(cls) and issubclass(cls, Part)
        return cls.from_pretrained if is_part else None
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        return None
    if not inspect.isclass(found):
        return None
    is_optimizer = issubclass(found, torch.optim.Optimizer)
    return found if is_optimizer or not target.startswith("torch.") else None
