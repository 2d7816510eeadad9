"""A tokenizer's JSON that a stranger may have written: bounded, and tried before it is used."""

import base64
import binascii
import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tokenizers

from textgan.pretrained.pattern_check import check_pattern

_MOST_STEPS = 100  # of changes to a caption before it is split; real tokenizers have up to ten
_MOST_GROWTH = 64  # of a caption, by what a tokenizer replaces in it
_TEMPLATE_BYTES = 10_000  # of what a tokenizer puts around each caption
_CHARSMAP_BYTES = 1_000_000  # of SentencePiece's table of characters; XLM-R's has 316,720
_LONGEST_WORD = 1000  # letters that WordPiece may look up as one word; BERT's has 100

_SECONDS = 5.0  # of computing, for all captions that a tokenizer is tried on; real ones take 0.02
_TRIED = (
    *("", " ", "a red circle left of a blue square", "A STAR, 12.5 % (bright)", "\t\r\n", "\0"),
    *("\u200b\ufeff\u0301e\u0301\ue000\ufffd\U0010ffff", "\U0001f642 \U0001f469\u200d\U0001f467"),
)
_LENGTHS = (32, 64, 128, 256, 512, 1024)  # of longer captions, each of one word and of many


class TokenizerError(ValueError):
    """A tokenizer cannot be read, or cannot read a caption."""


class TokenizerErrors:
    """Turns what the tokenizers library raises inside into a TokenizerError, and nothing else.

    That is an Exception of no class of its own and, where its code gives up, a PanicException,
    which is no Exception and cannot be imported.

    Args:
        where: the beginning of the sentence.
        rule: how the sentence goes on.
    """

    def __init__(self, where: str | Path, rule: str = "has a state that cannot be read"):
        self.where, self.rule = where, rule

    def __enter__(self) -> None:
        """Nothing is needed."""

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        """Called with what was raised inside.

        Raises:
            TokenizerError: the library raised.
        """
        if kind is not None and (kind in (Exception, TokenizerError) or _is_panic(kind)):
            said = " ".join(str(error).split())[:300]
            said = said if said.isprintable() else ascii(said)
            raise TokenizerError(f"{self.where} {self.rule}: {said}") from error


def _is_panic(kind: type[BaseException]) -> bool:
    return (kind.__module__, kind.__name__) == ("pyo3_runtime", "PanicException")


def read_tokenizer(content: str | bytes) -> tokenizers.Tokenizer:
    """The tokenizer that a `tokenizer.json` describes.

    Raises:
        TokenizerError: it is no JSON, or no tokenizer's, or `check_vocabulary` refuses it.
    """
    try:
        text = content if isinstance(content, str) else content.decode()
        said = json.loads(text)
    except RecursionError as error:
        raise TokenizerError("the tokenizer's state must be JSON, got one without end") from error
    except ValueError as error:
        raise TokenizerError(f"the tokenizer's state must be JSON: {error}") from error
    if isinstance(said, dict):
        _check(said, "the tokenizer's state")
    with TokenizerErrors("the tokenizer's state", "cannot be read"):
        return tokenizers.Tokenizer.from_str(text)


def encode(
    backend: tokenizers.Tokenizer, caption: str, *, max_length: int, vocab_size: int
) -> tokenizers.Encoding:
    """A caption's tokens.

    Args:
        backend: cuts captions at `max_length`.
        caption: valid Unicode.
        max_length: of the longest caption, in tokens.
        vocab_size: which every token id is below.

    Raises:
        TokenizerError: the tokenizer fails, or gives what no text encoder has room for.
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
        rule = "the tokenizer must tell where in the caption each token stands"
        raise TokenizerError(f"{rule}, and does not {at}")
    return found


def try_captions(backend: tokenizers.Tokenizer, *, max_length: int, vocab_size: int) -> None:
    """Encode captions of every kind, short ones first, so that a bad tokenizer fails here.

    They are of all blocks of Unicode, of control characters, of the tokenizer's special tokens, and
    of up to 1,024 letters.

    Args:
        backend: as in `encode`, and so are the next two.
        max_length: as in `encode`.
        vocab_size: as in `encode`.

    Raises:
        TokenizerError: one of them cannot be encoded, or encoding takes seconds.
    """
    start = time.thread_time()
    for caption in _captions(backend):
        encode(backend, caption, max_length=max_length, vocab_size=vocab_size)
        if time.thread_time() - start > _SECONDS:
            rule = f"the tokenizer must read a few captions within {_SECONDS:g} seconds"
            raise TokenizerError(f"{rule}, and takes longer at one of {len(caption):,} letters")


def _captions(backend: tokenizers.Tokenizer) -> Iterator[str]:
    yield from _TRIED
    special = [token.content for token in backend.get_added_tokens_decoder().values()]
    yield " ".join(special[:100])[: _LENGTHS[-1]]
    # Every 64th letter, 64 of them at a time; UTF-8 has none from 0xD800 on.
    letters = [chr(n) for n in range(0x20, 0x20000, 0x40) if not 0xD800 <= n < 0xE000]
    for place in range(0, len(letters), 64):
        yield "".join(letters[place : place + 64])
    for length in _LENGTHS:
        yield ("a red circle, " * length)[:length]
        yield "a" * length
        yield ("\u00fc\u4e24" * length)[:length]


def check_vocabulary(content: bytes, where: str) -> None:
    """Refuse a tokenizer's JSON by which a short caption becomes an endless one, or takes long.

    Args:
        content: the extra state of a part; what is no JSON object is no tokenizer's, and passes.
        where: its file and name, for the sentence.

    Raises:
        TokenizerError: it changes a caption, or puts around it, more than any real tokenizer does,
            or has a pattern that `check_pattern` refuses.
    """
    try:
        said = json.loads(content)
    except RecursionError as error:
        raise TokenizerError(f"{where} must be a tokenizer's JSON, got one without end") from error
    except ValueError:
        return
    if isinstance(said, dict):
        _check(said, where)


def _check(said: dict[str, Any], where: str) -> None:
    steps = [*_steps([said.get("normalizer"), said.get("pre_tokenizer")])]
    _check_growth(steps, where)
    for pattern in (step.get("Regex") for step in steps):
        check_pattern(pattern, where)
    if len(json.dumps(said.get("post_processor"))) > _TEMPLATE_BYTES:
        rule = f"{where} must put at most {_TEMPLATE_BYTES:,} bytes around a caption"
        raise TokenizerError(rule)
    for step in _steps(said.get("post_processor")):
        single = json.dumps(step.get("single", {"id": "A"}))
        if single.count('{"id": "A"') != 1:
            raise TokenizerError(f"{where} must have each caption once in what is around it")
    _check_model(said.get("model"), where)


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
    """Letters of the longest text that SentencePiece's table puts in the place of one letter.

    The table is a number of bytes, so many bytes of a trie, and texts that end in a zero byte.
    """
    try:
        content = base64.b64decode(charsmap, validate=True)
        (trie,) = struct.unpack_from("<I", content)
    except (binascii.Error, ValueError, struct.error):
        return 0  # no table, which the library refuses
    texts = content[4 + trie :].split(b"\0")
    return max(len(text.decode(errors="replace")) for text in texts)


def _check_model(model: Any, where: str) -> None:
    if not isinstance(model, dict):
        return
    letters = model.get("max_input_chars_per_word", 0)
    if isinstance(letters, int) and letters > _LONGEST_WORD:
        rule = f"{where} must have max_input_chars_per_word of at most {_LONGEST_WORD:,}"
        raise TokenizerError(f"{rule}, got {letters!r:.40}")
    if model.get("dropout"):
        raise TokenizerError(f"{where} must split a caption always alike, without dropout")


def _steps(value: Any) -> Iterator[dict[str, Any]]:
    """All dicts in what JSON can hold."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from _steps(inner)
