"""Captions -> token ids by a tokenizer of the tokenizers library. Nothing here imports torch."""

import warnings
from collections.abc import Iterable

import numpy as np
import tokenizers

from textgan.pretrained.tokenizer_check import encode


def checked(captions: Iterable[str]) -> list[str]:
    """Return the captions as a list.

    Raises:
        TypeError: `captions` is one string, or a caption is no string.
        ValueError: a caption is not valid Unicode.
    """
    if isinstance(captions, str):
        raise TypeError(f"captions must be a list of strings, got the string {captions!r:.80}")
    captions = list(captions)
    for caption in captions:
        if not isinstance(caption, str):
            kind = type(caption).__name__
            raise TypeError(f"captions must be strings, got {kind} {caption!r:.80}")
        if not caption.isascii() and any("\ud800" <= letter <= "\udfff" for letter in caption):
            raise ValueError(f"captions must be valid Unicode, got {caption!r:.80}")
    return captions


def encode_all(
    backend: tokenizers.Tokenizer, captions: list[str], *, max_length: int, vocab_size: int
) -> list[tokenizers.Encoding]:
    """Encode captions, as `encode` does each of them."""
    limits = {"max_length": max_length, "vocab_size": vocab_size}
    return [encode(backend, caption, **limits) for caption in captions]


def warn_of_cut(encodings: list[tokenizers.Encoding], max_length: int) -> bool:
    """Warn of captions that were cut; return whether there are any."""
    cut = sum(bool(encoding.overflowing) for encoding in encodings)
    if cut:
        limit = f"max_length = {max_length} tokens"
        warnings.warn(f"{cut} of {len(encodings)} captions were cut to {limit}", stacklevel=3)
    return cut > 0


def padded(encodings: list[tokenizers.Encoding], pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """B encodings -> token_ids (B, L) int64 and mask (B, L) bool, True at tokens.

    L is the length of the longest.
    """
    rows = [encoding.ids for encoding in encodings]
    token_ids = np.full((len(rows), max(map(len, rows), default=0)), pad_id, np.int64)
    mask = np.zeros(token_ids.shape, bool)
    for place, row in enumerate(rows):
        token_ids[place, : len(row)], mask[place, : len(row)] = row, True
    return token_ids, mask
