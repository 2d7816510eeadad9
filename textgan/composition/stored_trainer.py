"""Closed list of the trainer settings that are taken from a checkpoint's configuration."""

import inspect
import os
import re
from typing import Any

import pytorch_lightning as pl

from textgan.errors import ConfigError

_WORD = re.compile(r"[\w,:-]{1,60}", re.ASCII)  # 00:12:00:00 is a time
_UNITS = {"weeks", "days", "hours", "minutes", "seconds"}
# Other settings, such as logger, profiler and plugins, open files and connections. They are taken
# only from the user's own configuration.
_TAKEN = (
    *("accelerator", "devices", "num_nodes", "strategy", "precision", "sync_batchnorm"),
    *("max_epochs", "min_epochs", "max_steps", "min_steps", "max_time", "fast_dev_run"),
    *("limit_train_batches", "limit_val_batches", "limit_test_batches", "limit_predict_batches"),
    *("overfit_batches", "val_check_interval", "check_val_every_n_epoch", "num_sanity_val_steps"),
    *("log_every_n_steps", "accumulate_grad_batches", "gradient_clip_val", "barebones"),
    *("gradient_clip_algorithm", "deterministic", "benchmark", "inference_mode"),
    *("use_distributed_sampler", "detect_anomaly", "reload_dataloaders_every_n_epochs"),
    *("enable_checkpointing", "enable_progress_bar", "enable_model_summary"),
    "enable_autolog_hparams",
)


def check_trainer(trainer: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are taken, with the callbacks, whose classes the caller checks.

    Unknown settings, values that are not plain and too many processes raise ConfigError.
    """
    taken = {}
    for key, value in trainer.items():
        if key not in (*_TAKEN, *inspect.signature(pl.Trainer).parameters):
            raise ConfigError(f"it has a setting trainer.{key:.80}, which no trainer has")
        if key == "callbacks":
            taken[key] = _callbacks(value)
        if key not in _TAKEN:
            continue
        items = value if isinstance(value, list) else [value]
        if key == "max_time" and isinstance(value, dict) and _UNITS.issuperset(value):
            items = [*value.values()]
        for item in items:
            is_word = isinstance(item, str) and _WORD.fullmatch(item)
            if not is_word and not (item is None or isinstance(item, int | float)):
                raise ConfigError(f"trainer.{key} must be a number or a word, got {item!r:.80}")
        taken[key] = value
    _check_processes(taken)
    return taken


def _callbacks(value: Any) -> dict[str, Any]:
    callbacks = {} if value is None else value
    if not isinstance(callbacks, dict) or "_target_" in callbacks:
        raise ConfigError(f"trainer.callbacks must be callbacks by name, got {value!r:.80}")
    for name, node in callbacks.items():
        if node is not None and not (isinstance(node, dict) and "_target_" in node):
            raise ConfigError(f"trainer.callbacks.{name:.80} must name a class, got {node!r:.80}")
    return {name: node for name, node in callbacks.items() if node is not None}


def _check_processes(trainer: dict[str, Any]) -> None:
    nodes, devices = trainer.get("num_nodes") or 1, trainer.get("devices")
    count = int(devices) if str(devices).isdigit() else 1
    most = max(16, os.cpu_count() or 1)
    if nodes != 1 or count > most:
        setting = f"num_nodes={nodes}" if nodes != 1 else f"devices={devices}"
        raise ConfigError(f"it asks for trainer.{setting}: type that setting to use it")
