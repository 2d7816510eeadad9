"""The trainer's switches of its own callbacks, applied to those that stand in their place."""

from typing import Any

from pytorch_lightning.callbacks import Checkpoint, ProgressBar

_KINDS = {"enable_checkpointing": Checkpoint, "enable_progress_bar": ProgressBar}


def switched_on(callbacks: Any, options: Any) -> Any:
    """The callbacks without those that an option switches off.

    Lightning refuses a callback of the kind that an option switches off, though ours are there
    unless they are taken out.

    Args:
        callbacks: a list of callbacks, or what else the trainer takes, which is left as it is.
        options: the trainer's, by name.
    """
    off = tuple(kind for option, kind in _KINDS.items() if options[option] is False)
    if not off or not isinstance(callbacks, list):
        return callbacks
    return [callback for callback in callbacks if not isinstance(callback, off)]
