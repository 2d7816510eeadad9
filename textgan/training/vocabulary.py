"""A training's vocabulary: where it comes from, and whether captions fit."""

from pytorch_lightning import Trainer

from textgan.errors import ConfigError
from textgan.text_encoder.base import TextEncoder


def fit_vocabulary(encoder: TextEncoder, trainer: Trainer, *, limit: int) -> bool:
    """Learn a tokenizer from at most `limit` training captions, on rank 0, then broadcast.

    Returns:
        Whether it did: not where there is a vocabulary already, or a checkpoint brings one.

    Raises:
        ConfigError: the encoder is frozen before it has learnt anything.
    """
    if encoder.is_fitted or trainer.ckpt_path is not None:
        return False
    if getattr(encoder, "frozen", False):
        raise ConfigError(
            "text_encoder.frozen must be false where the text encoder was never trained: it would "
            "stay as it is"
        )
    captions = trainer.datamodule.captions(limit=limit) if trainer.is_global_zero else None
    encoder.fit_tokenizer(trainer.strategy.broadcast(captions))
    return True


def check_captions(encoder: TextEncoder, trainer: Trainer, *, limit: int) -> None:
    """One warning, on rank 0, says how many training captions are too long to be read whole."""
    if trainer.datamodule is not None and trainer.is_global_zero:
        encoder.check_lengths(trainer.datamodule.captions(limit=limit))
