"""Options of Lightning's Trainer that have another name in textgan."""

from collections.abc import Mapping
from typing import Any

from textgan.errors import ConfigError

OURS = {
    "default_root_dir": "hydra.run.dir=FOLDER (or --run_dir FOLDER)",
    **dict.fromkeys(("max_epochs", "min_epochs", "min_steps"), "total_images"),
    "accumulate_grad_batches": "model.budget.accumulate_batches",
    **dict.fromkeys(
        ("gradient_clip_val", "gradient_clip_algorithm"), "model.budget.gradient_clip_norm"
    ),
    "use_distributed_sampler": "data.batch_size",
}
"""Option -> the setting to use in its place."""

_REASONS = {
    "default_root_dir": "a run folder is chosen before the trainer is built",
    **dict.fromkeys(
        ("max_epochs", "min_epochs", "min_steps"),
        "a training is as long as its number of images, which have no epochs",
    ),
    **dict.fromkeys(
        ("accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm"),
        "the model steps its optimizers itself",
    ),
    "use_distributed_sampler": "the data modules share batches out over the processes themselves",
}
_UNSET = {"max_epochs": (-1,), "accumulate_grad_batches": (1,), "gradient_clip_val": (0,)}
DEFAULTS = {"max_epochs": -1, "use_distributed_sampler": False}
"""Defaults of the trainer where no file of `conf/` sets them."""


def check(trainer: Mapping[str, Any]) -> None:
    """Refuse options that would end in an error, in an endless training, or would do nothing.

    Args:
        trainer: option -> value, as parsed.

    Raises:
        ConfigError: one is set, and the sentence names the setting to use in its place.
    """
    for option, ours in OURS.items():
        value = trainer.get(option)
        if value not in (None, *_UNSET.get(option, (False,))):
            raise ConfigError(
                f"trainer.{option} cannot be set, as {_REASONS[option]}: use {ours} instead, "
                f"got {value}"
            )
