"""Errors of logger libraries as one sentence."""

import sys


def logger_errors() -> tuple[type[Exception], ...]:
    """The error classes of those libraries that are imported."""
    wandb = sys.modules.get("wandb.errors")
    return (wandb.Error,) if wandb is not None else ()


def explain_logger(error: Exception) -> str:
    """The error as a sentence, with its cure."""
    said = " ".join(str(error).split()).rstrip(".")
    return (
        f"Weights & Biases cannot be used: {said:.200}; log in with `wandb login` (or set "
        "WANDB_API_KEY), or write into the run folder with trainer.logger.wandb.offline=true, from "
        "where `wandb sync` uploads it later"
    )
