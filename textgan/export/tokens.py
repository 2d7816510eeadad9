"""Captions -> token ids, by the tokenizers library alone."""

import json
import warnings
from pathlib import Path

import numpy as np
import tokenizers

from textgan.pretrained.tokenizer_check import TokenizerErrors, encode, read_tokenizer, try_captions

_FILE_BYTES = 32_000_000  # as many as a pipeline's vocabulary may have
_MOST_TOKENS = 2**20  # of a vocabulary; XLM-V's, the largest one known, has 901,629


class CaptionReader:
    """What `textgan.caption.tokenizer.Tokenizer` says of captions, from a `tokenizer.json`.

    Args:
        file: the JSON, which cuts captions where the model does.
        pad_id: the token id that fills up shorter captions.

    Raises:
        ValueError: the file is no tokenizer's, does not say where captions are cut, or fails or
            takes long at the captions that it is tried on.
    """

    def __init__(self, file: Path, pad_id: int):
        with TokenizerErrors(file, "cannot be used"):
            self.backend, self.max_length = _backend(file)
            try_captions(self.backend, max_length=self.max_length, vocab_size=_MOST_TOKENS)
        self.pad_id = pad_id

    def __call__(self, captions: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """B captions -> token_ids (B, L) int64 and mask (B, L) bool, True at tokens.

        L is the longest of the batch. A warning says how many captions were cut.

        Raises:
            ValueError: the tokenizer cannot read a caption.
        """
        limits = {"max_length": self.max_length, "vocab_size": _MOST_TOKENS}
        encodings = [encode(self.backend, caption, **limits) for caption in captions]
        cut = sum(bool(encoding.overflowing) for encoding in encodings)
        if cut:
            limit = f"max_length = {self.max_length} tokens"
            warnings.warn(f"{cut} of {len(captions)} captions were cut to {limit}", stacklevel=3)
        rows = [encoding.ids for encoding in encodings]
        token_ids = np.full((len(rows), max(map(len, rows))), self.pad_id, np.int64)  # (B, L)
        mask = np.zeros(token_ids.shape, bool)
        for place, row in enumerate(rows):
            token_ids[place, : len(row)], mask[place, : len(row)] = row, True
        return token_ids, mask


def _backend(file: Path) -> tuple[tokenizers.Tokenizer, int]:
    """What reads captions, and the tokens of the longest one."""
    with file.open("rb") as stream:
        content = stream.read(_FILE_BYTES + 1)
    if len(content) > _FILE_BYTES:
        raise ValueError(f"{file} must have at most {_FILE_BYTES:,} bytes, got more")
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not a tokenizer's JSON: {error}") from error
    for name in ("model", "truncation"):
        if not isinstance(said, dict) or not isinstance(said.get(name), dict):
            rule = f"{file} is not a tokenizer's JSON with an object under {name!r}"
            raise ValueError(rule)  # noqa: TRY004 - a file's content, not an argument
    backend = read_tokenizer(content)
    max_length = backend.truncation["max_length"]
    # Of how captions are cut and filled up, the file decides the length alone: it could fill each
    # up to a billion tokens.
    with TokenizerErrors(f"{file}", "must cut captions where the model does"):
        backend.enable_truncation(max_length)
    backend.no_padding()
    # No JSON holds this: a caption that says "<end>" means these five letters.
    backend.encode_special_tokens = True
    return backend, max_length
