"""Options of Lightning's Trainer that have another name in textgan."""

from collections.abc import Mapping
from typing import Any

from textgan.errors import ConfigError

_LENGTH = ("total_images", "a training is as long as its number of images, which have no epochs")
_STEPS = "the model steps its optimizers itself"
_CLIPPING = ("model.budget.gradient_clip_norm", _STEPS)
_REFUSED = {
    "default_root_dir": (
        "hydra.run.dir=FOLDER (or --run_dir FOLDER)",
        "a run folder is chosen before the trainer is built",
    ),
    **dict.fromkeys(("max_epochs", "min_epochs", "min_steps"), _LENGTH),
    "accumulate_grad_batches": ("model.budget.accumulate_batches", _STEPS),
    **dict.fromkeys(("gradient_clip_val", "gradient_clip_algorithm"), _CLIPPING),
    "use_distributed_sampler": (
        "data.batch_size",
        "the data modules distribute batches over the processes themselves",
    ),
}
OURS = {option: ours for option, (ours, _) in _REFUSED.items()}
"""Option -> the setting to use in its place."""

_UNSET = {"max_epochs": (-1,), "accumulate_grad_batches": (1,), "gradient_clip_val": (0,)}
DEFAULTS = {"max_epochs": -1, "use_distributed_sampler": False}
"""Defaults of the trainer if no file of `conf/` sets them."""


def check(trainer: Mapping[str, Any]) -> None:
    """Raise ConfigError for an option that would fail, never end the training, or do nothing.

    Args:
        trainer: option -> parsed value.
    """
    for option, (ours, reason) in _REFUSED.items():
        value = trainer.get(option)
        if value not in (None, *_UNSET.get(option, (False,))):
            raise ConfigError(
                f"trainer.{option} cannot be set, as {reason}: use {ours} instead, got {value}"
            )
