"""Failures of the libraries that loggers write with, as one sentence."""

import sys


def logger_errors() -> tuple[type[Exception], ...]:
    """What these libraries raise; of those only that are imported."""
    wandb = sys.modules.get("wandb.errors")
    return (wandb.Error,) if wandb is not None else ()


def explain_logger(error: Exception) -> str:
    """The sentence, with what to do."""
    said = " ".join(str(error).split()).rstrip(".")
    return (
        f"Weights & Biases cannot be used: {said:.200}; log in with `wandb login` (or set "
        "WANDB_API_KEY), or write into the run folder with trainer.logger.wandb.offline=true, from "
        "where `wandb sync` uploads it later"
    )
