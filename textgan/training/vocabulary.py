"""The vocabulary of a training, and a check of the captions' lengths."""

from collections.abc import Iterator

from pytorch_lightning import LightningDataModule, Trainer

from textgan.text_encoder.base import TextEncoder

_MOST_AHEAD = 1_000_000  # captions that are read ahead


def fit_vocabulary(encoder: TextEncoder, trainer: Trainer, *, limit: int) -> bool:
    """Learn a tokenizer from at most `limit` training captions, on rank 0, then broadcast.

    Returns:
        False where the encoder has a vocabulary already, or a checkpoint has one.

    Raises:
        ValueError: the encoder is frozen or pretrained, but has no vocabulary.
    """
    if encoder.is_fitted or trainer.ckpt_path is not None:
        return False
    captions = trainer.datamodule.captions(limit=limit) if trainer.is_global_zero else None
    encoder.fit_tokenizer(trainer.strategy.broadcast(captions))
    return True


def check_captions(encoder: TextEncoder, trainer: Trainer, *, limit: int) -> None:
    """Warn once, on rank 0, of training captions that are longer than the encoder reads."""
    if trainer.datamodule is not None and trainer.is_global_zero:
        encoder.check_lengths(trainer.datamodule.captions(limit=limit))


def read_ahead(encoder: TextEncoder, trainer: Trainer) -> None:
    """Let an encoder compute once what it keeps of the training captions, with a progress bar.

    The captions are collected only if the encoder keeps anything.
    """
    data = trainer.datamodule
    if data is not None:
        encoder.read_ahead(_captions(data), shown=trainer.is_global_zero)


def _captions(data: LightningDataModule) -> Iterator[str]:
    yield from data.captions(limit=_MOST_AHEAD)
