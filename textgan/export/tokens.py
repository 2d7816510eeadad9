"""Captions -> token ids by an exported `tokenizer.json`, without torch."""

import json
from pathlib import Path

import numpy as np
import tokenizers

from textgan.caption.tokens import encode_all, padded, warn_of_cut
from textgan.pretrained.tokenizer_check import TokenizerErrors, read_tokenizer, try_captions

_FILE_BYTES = 32_000_000  # as many as a pipeline's vocabulary may have
_MOST_TOKENS = 2**20  # of a vocabulary; XLM-V's, the largest one known, has 901,629


class CaptionReader:
    """Computes what `textgan.caption.tokenizer.Tokenizer` computes, from a `tokenizer.json`.

    Args:
        file: the JSON, which gives the length at which captions are cut.
        pad_id: the token id that fills up shorter captions.

    Raises:
        ValueError: the file is no tokenizer's, has no length at which captions are cut, or fails or
            takes long at the captions that it is tried on.
    """

    def __init__(self, file: Path, pad_id: int):
        with TokenizerErrors(file, "cannot be used"):
            self.backend = _backend(file)
            self.max_length = self.backend.truncation["max_length"]
            try_captions(self.backend, max_length=self.max_length, vocab_size=_MOST_TOKENS)
        self.pad_id = pad_id

    def __call__(self, captions: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """B captions -> token_ids (B, L) int64 and mask (B, L) bool, True at tokens.

        L is the length of the longest caption. A warning tells how many captions were cut.

        Raises:
            ValueError: the tokenizer fails at a caption.
        """
        limits = {"max_length": self.max_length, "vocab_size": _MOST_TOKENS}
        encodings = encode_all(self.backend, captions, **limits)
        warn_of_cut(encodings, self.max_length)
        return padded(encodings, self.pad_id)


def _backend(file: Path) -> tokenizers.Tokenizer:
    with file.open("rb") as stream:
        content = stream.read(_FILE_BYTES + 1)
    if len(content) > _FILE_BYTES:
        raise ValueError(f"{file} must have at most {_FILE_BYTES:,} bytes, got more")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not a tokenizer's JSON: {error}") from error
    for name in ("model", "truncation"):
        if not isinstance(found, dict) or not isinstance(found.get(name), dict):
            rule = f"{file} is not a tokenizer's JSON with an object under {name!r}"
            raise ValueError(rule)  # noqa: TRY004 - a file's content, not an argument
    backend = read_tokenizer(content)
    # Of truncation and padding, only the length is taken from the file: it could pad each caption
    # to a billion tokens.
    with TokenizerErrors(f"{file}", "must cut captions where the model does"):
        backend.enable_truncation(backend.truncation["max_length"])
    backend.no_padding()
    # This setting is not part of the JSON: "<end>" in a caption is these five characters.
    backend.encode_special_tokens = True
    return backend
