"""Check an untrusted tokenizer's JSON, and try the tokenizer on captions before it is used."""

import base64
import binascii
import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tokenizers

from textgan.file.limits import shown
from textgan.pretrained.pattern_check import check_pattern

_MOST_STEPS = 100  # changes of a caption before it is split; real tokenizers have up to ten
_MOST_GROWTH = 64  # the factor by which replacements may lengthen a caption
_TEMPLATE_BYTES = 10_000  # of the template that a tokenizer puts around each caption
_CHARSMAP_BYTES = 1_000_000  # SentencePiece's table of characters; that of XLM-R has 316,720
_LONGEST_WORD = 1000  # characters that WordPiece may look up as one word; BERT's limit is 100

_SECONDS = 5.0  # CPU time for all captions of the trial; real tokenizers take 0.02
_TRIED = (
    *("", " ", "a red circle left of a blue square", "A STAR, 12.5 % (bright)", "\t\r\n", "\0"),
    *("\u200b\ufeff\u0301e\u0301\ue000\ufffd\U0010ffff", "\U0001f642 \U0001f469\u200d\U0001f467"),
)
_LENGTHS = (32, 64, 128, 256, 512, 1024)  # of longer captions, each of one word and of many


class TokenizerError(ValueError):
    """A tokenizer cannot be read, or cannot read a caption."""


class TokenizerErrors:
    """Context manager that turns the tokenizers library's errors, and no others, into one class.

    The library raises a plain Exception or, if its Rust code panics, a PanicException, which is no
    Exception and cannot be imported. The message is `where`, `rule` and the library's own message.
    """

    def __init__(self, where: str | Path, rule: str = "has a state that cannot be read"):
        self.where, self.rule = where, rule

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        if kind is not None and (kind in (Exception, TokenizerError) or _is_panic(kind)):
            reason = shown(" ".join(str(error).split()), 300)
            raise TokenizerError(f"{self.where} {self.rule}: {reason}") from error


def _is_panic(kind: type[BaseException]) -> bool:
    return (kind.__module__, kind.__name__) == ("pyo3_runtime", "PanicException")


def read_tokenizer(content: str | bytes) -> tokenizers.Tokenizer:
    """Build the tokenizer that a `tokenizer.json` describes.

    Raises:
        TokenizerError: the content is no JSON of a tokenizer, or `check_vocabulary` refuses it.
    """
    where = "the tokenizer's state"
    try:
        text = content if isinstance(content, str) else content.decode()
        described = _parse(text, where)
    except ValueError as error:
        raise TokenizerError(f"{where} must be JSON: {error}") from error
    if isinstance(described, dict):
        _check(described, where)
    with TokenizerErrors(where, "cannot be read"):
        return tokenizers.Tokenizer.from_str(text)


def encode(
    backend: tokenizers.Tokenizer, caption: str, *, max_length: int, vocab_size: int
) -> tokenizers.Encoding:
    """Encode a caption, which is valid Unicode.

    The backend must cut captions at `max_length` tokens, and give ids below `vocab_size`.

    Raises:
        TokenizerError: the tokenizer fails, or its result does not fit a text encoder.
    """
    at = f"at the caption {caption!r:.80}"
    with TokenizerErrors("the tokenizer", f"fails {at}"):
        found = backend.encode(caption)
    ids = found.ids
    if not ids or len(ids) > max_length:
        rule = f"the tokenizer must give 1 to {max_length} tokens"
        raise TokenizerError(f"{rule}, got {len(ids)} {at}")
    if max(ids) >= vocab_size:
        rule = f"the tokenizer must give token ids below vocab_size, {vocab_size}"
        raise TokenizerError(f"{rule}, got {max(ids)} {at}")
    if not len(ids) == len(found.offsets) == len(found.attention_mask):
        rule = "the tokenizer must give the place of each token in the caption"
        raise TokenizerError(f"{rule}, and does not {at}")
    return found


def try_captions(backend: tokenizers.Tokenizer, *, max_length: int, vocab_size: int) -> None:
    """Encode captions of every kind, short ones first, so that a bad tokenizer fails here.

    The captions have characters of all blocks of Unicode, control characters and the tokenizer's
    special tokens, and up to 1,024 characters. The arguments are those of `encode`.

    Raises:
        TokenizerError: a caption cannot be encoded, or all of them take more than 5 seconds.
    """
    start = time.thread_time()
    for caption in _captions(backend):
        encode(backend, caption, max_length=max_length, vocab_size=vocab_size)
        if time.thread_time() - start > _SECONDS:
            rule = f"the tokenizer must read a few captions within {_SECONDS:g} seconds"
            raise TokenizerError(f"{rule}, and takes longer at one of {len(caption):,} characters")


def _captions(backend: tokenizers.Tokenizer) -> Iterator[str]:
    yield from _TRIED
    special = [token.content for token in backend.get_added_tokens_decoder().values()]
    yield " ".join(special[:100])[: _LENGTHS[-1]]
    # every 64th character, in captions of 64; UTF-8 cannot encode surrogates, from 0xD800 on
    characters = [chr(n) for n in range(0x20, 0x20000, 0x40) if not 0xD800 <= n < 0xE000]
    for place in range(0, len(characters), 64):
        yield "".join(characters[place : place + 64])
    for length in _LENGTHS:
        yield ("a red circle, " * length)[:length]
        yield "a" * length
        yield ("\u00fc\u4e24" * length)[:length]


def check_vocabulary(content: bytes, where: str) -> None:
    """Refuse a tokenizer's JSON that could turn a short caption into a huge one, or take long.

    The content is the extra state of a part; a state that is no JSON object is no tokenizer's, and
    passes. `where` is its file and name, for the error message.

    Raises:
        TokenizerError: the tokenizer lengthens a caption more than any real one, has a larger
            template around it, or has a pattern that `check_pattern` refuses.
    """
    try:
        described = _parse(content, where)
    except TokenizerError:
        raise
    except ValueError:
        return
    if isinstance(described, dict):
        _check(described, where)


def _parse(content: str | bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except RecursionError as error:
        raise TokenizerError(f"{where} must be JSON, got a value nested too deeply") from error


def _check(described: dict[str, Any], where: str) -> None:
    steps = [*_steps([described.get("normalizer"), described.get("pre_tokenizer")])]
    _check_growth(steps, where)
    for pattern in (step.get("Regex") for step in steps):
        check_pattern(pattern, where)
    template = described.get("post_processor")
    if len(json.dumps(template)) > _TEMPLATE_BYTES:
        rule = f"{where} must put at most {_TEMPLATE_BYTES:,} bytes around a caption"
        raise TokenizerError(rule)
    for step in _steps(template):
        single = json.dumps(step.get("single", {"id": "A"}))
        if single.count('{"id": "A"') != 1:
            raise TokenizerError(f"{where} must have each caption once in its template")
    _check_model(described.get("model"), where)


def _check_growth(steps: list[dict[str, Any]], where: str) -> None:
    if len(steps) > _MOST_STEPS:
        raise TokenizerError(f"{where} must change a caption in at most {_MOST_STEPS} steps")
    growth, table = 1, 0
    for step in steps:
        texts = [str(step.get(key) or "") for key in ("content", "prepend")]
        chars = str(step.get("precompiled_charsmap") or "")
        least = 2 if step.get("type") == "ByteLevel" else 1
        growth *= max(least, _longest_entry(chars), *map(len, texts))
        table += len(chars)
    if growth > _MOST_GROWTH or table > _CHARSMAP_BYTES:
        raise TokenizerError(f"{where} must make a caption at most {_MOST_GROWTH} times as long")


def _longest_entry(charsmap: str) -> int:
    """Length of the longest text by which SentencePiece's table replaces one character.

    The table is the size of a trie in bytes, the trie, and texts that end in a zero byte.
    """
    try:
        content = base64.b64decode(charsmap, validate=True)
        (trie,) = struct.unpack_from("<I", content)
    except (binascii.Error, ValueError, struct.error):
        return 0  # the library itself refuses it
    texts = content[4 + trie :].split(b"\0")
    return max(len(text.decode(errors="replace")) for text in texts)


def _check_model(model: Any, where: str) -> None:
    if not isinstance(model, dict):
        return
    longest = model.get("max_input_chars_per_word", 0)
    if isinstance(longest, int) and longest > _LONGEST_WORD:
        rule = f"{where} must have max_input_chars_per_word of at most {_LONGEST_WORD:,}"
        raise TokenizerError(f"{rule}, got {longest!r:.40}")
    if model.get("dropout"):
        raise TokenizerError(f"{where} must have no dropout, so that it always splits alike")


def _steps(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all dicts inside a value, and the value itself if it is one."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from _steps(inner)
