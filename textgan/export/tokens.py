"""Captions -> token ids, by the tokenizers library alone."""

import json
import warnings
from pathlib import Path

import numpy as np
import tokenizers


class CaptionReader:
    """What `textgan.tokenizer.Tokenizer` says of captions, from a `tokenizer.json`.

    Args:
        file: the JSON, which cuts captions where the model does.
        pad_id: the token id that fills up shorter captions.

    Raises:
        ValueError: the file is no tokenizer's, or does not say where captions are cut.
    """

    def __init__(self, file: Path, pad_id: int):
        self.backend = _backend(file)
        # No JSON holds this: a caption that says "<end>" means these five letters.
        self.backend.encode_special_tokens = True
        self.pad_id = pad_id

    @property
    def max_length(self) -> int:
        """Tokens of the longest caption."""
        return self.backend.truncation["max_length"]

    def __call__(self, captions: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """B captions -> token_ids (B, L) int64 and mask (B, L) bool, True at tokens.

        L is the longest of the batch. A warning says how many captions were cut.
        """
        encodings = [self.backend.encode(caption) for caption in captions]
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


def _backend(file: Path) -> tokenizers.Tokenizer:
    text = file.read_text(encoding="utf-8")
    try:  # the library itself raises a bare Exception
        said = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{file} is not a tokenizer's JSON: {error}") from error
    for name in ("model", "truncation"):
        if not isinstance(said, dict) or not isinstance(said.get(name), dict):
            rule = f"{file} is not a tokenizer's JSON with an object under {name!r}"
            raise ValueError(rule)  # noqa: TRY004 - a file's content, not an argument
    return tokenizers.Tokenizer.from_str(text)
