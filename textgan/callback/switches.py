"""The trainer's switches `enable_checkpointing` and `enable_progress_bar` for our callbacks."""

from typing import Any

from pytorch_lightning.callbacks import Checkpoint, ProgressBar

_KINDS = {"enable_checkpointing": Checkpoint, "enable_progress_bar": ProgressBar}


def switched_on(callbacks: Any, options: Any) -> Any:
    """The callbacks without those that an option switches off.

    Lightning refuses a callback of a kind that an option switches off.

    Args:
        callbacks: a list of callbacks; any other value of the trainer's option is returned as is.
        options: the trainer's options, by name.
    """
    off = tuple(kind for option, kind in _KINDS.items() if options[option] is False)
    if not off or not isinstance(callbacks, list):
        return callbacks
    return [callback for callback in callbacks if not isinstance(callback, off)]
