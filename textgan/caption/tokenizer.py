"""A tokenizer (captions <-> token ids) whose vocabulary is learnt, and saved with the weights."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import tokenizers
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor

from textgan.caption.tokens import checked, encode_all, padded, warn_of_cut
from textgan.pretrained.part import Part
from textgan.pretrained.tokenizer_check import TokenizerErrors, read_tokenizer, try_captions

PAD, BEGIN, END = SPECIAL_TOKENS = ("<pad>", "<begin>", "<end>")
SMALLEST_VOCABULARY = 256 + len(SPECIAL_TOKENS)


class Tokenizer(Part):
    """Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019), which has tokens for any script.

    Its vocabulary is an extra state of this module, a uint8 tensor in the state dict. `fit` learns
    it; `from_json` takes the vocabulary of another encoder.

    Args:
        vocab_size: largest number of tokens, at least 259 (256 bytes and three special tokens).
        max_length: largest number of tokens of a caption, begin and end included; the rest is cut.
        lowercase: whether `fit` makes a vocabulary in which capitals equal small letters.
    """

    def __init__(
        self, vocab_size: int = 4096, max_length: int = 64, *, lowercase: bool = True
    ) -> None:
        super().__init__()
        if vocab_size < SMALLEST_VOCABULARY:
            raise ValueError(f"vocab_size must be at least {SMALLEST_VOCABULARY}, got {vocab_size}")
        if max_length < 3:
            raise ValueError(f"max_length must be at least 3, got {max_length}")
        self.vocab_size = vocab_size
        self.max_length = max_length
        self.lowercase = lowercase
        self._json = b""
        self._backend: tokenizers.Tokenizer | None = None
        self._warned = _Once()

    @classmethod
    def from_json(cls, text: str, *, max_length: int, pad_token: str | None = None) -> "Tokenizer":
        """Return a fitted tokenizer from a `tokenizer.json` of the tokenizers library, of any kind.

        Args:
            text: the file's content; its post-processor must add a special token to every caption.
            max_length: as in the constructor.
            pad_token: token that fills up shorter captions; None means that of the JSON.

        Raises:
            ValueError: `text` is no tokenizer's, fails or takes long at the captions that it is
                tried on, or has no such pad token.
        """
        backend = read_tokenizer(text)
        if pad_token is not None:
            pad_id = backend.token_to_id(pad_token)
            if pad_id is None:
                raise ValueError(f"pad_token must be in the vocabulary, got {pad_token!r}")
            backend.enable_padding(pad_id=pad_id, pad_token=pad_token)
        size = max(backend.get_vocab_size(), SMALLEST_VOCABULARY)
        tokenizer = cls(size, max_length)
        tokenizer._adopt(backend.to_str().encode())
        return tokenizer

    @property
    def is_fitted(self) -> bool:
        """Whether the tokenizer has a vocabulary."""
        return bool(self._json)

    @property
    def pad_id(self) -> int:
        """The token id that fills up shorter captions."""
        return self._fitted().padding["pad_id"]

    def fit(self, captions: Iterable[str]) -> None:
        """Learn the vocabulary anew; the same captions, in any order, give the same one.

        One warning tells how many of them are longer than max_length.
        """
        captions = checked(captions)
        if not captions:
            raise ValueError("captions must hold at least one caption to learn a vocabulary from")
        backend = tokenizers.Tokenizer(models.BPE())
        if self.lowercase:
            backend.normalizer = normalizers.Lowercase()
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocab_size,
            min_frequency=2,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        with _one_thread():
            backend.train_from_iterator(captions, trainer)
        ids = [(token, backend.token_to_id(token)) for token in (BEGIN, END)]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{BEGIN} $A {END}", special_tokens=ids
        )
        backend.enable_padding(pad_id=backend.token_to_id(PAD), pad_token=PAD)
        self._adopt(backend.to_str().encode(), tried=True)
        self._encode(captions)

    def check_lengths(self, captions: Iterable[str]) -> None:
        """Warn of captions that are longer than max_length, unless a warning was given before."""
        self._encode(checked(captions))

    def forward(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """B captions -> token_ids (B, L) int64 and mask (B, L) bool, True at tokens; on the CPU.

        L is the length of the longest caption. An empty caption has a begin and an end token.

        Raises:
            RuntimeError: there is no vocabulary yet.
            ValueError: a tokenizer by `from_json` fails at a caption.
        """
        token_ids, mask = padded(self._encode(checked(captions)), self.pad_id)
        return torch.from_numpy(token_ids), torch.from_numpy(mask)

    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        """Return, for each token of each caption, the (start, end) of its characters.

        Several tokens may share a character of several bytes; a special token has (0, 0).
        """
        return [encoding.offsets for encoding in self._encode(checked(captions))]

    def decode(self, token_ids: Tensor | list[list[int]]) -> list[str]:
        """Token ids (B, L) -> B captions, special tokens left out."""
        backend = self._fitted()
        rows = token_ids.tolist() if isinstance(token_ids, Tensor) else token_ids
        with TokenizerErrors("the tokenizer", "cannot decode"):
            return [backend.decode(row) for row in rows]

    def get_extra_state(self) -> Tensor:
        """The vocabulary's JSON as uint8 (N,), N = 0 before `fit`."""
        content = bytearray(self._json)
        return torch.frombuffer(content, dtype=torch.uint8) if content else torch.zeros(0).byte()

    def set_extra_state(self, state: Tensor) -> None:
        """Take the vocabulary of `get_extra_state`.

        Raises:
            ValueError: it is no tokenizer's JSON, or fails at the captions that it is tried on.
        """
        self._adopt(state.cpu().numpy().tobytes())

    def _adopt(self, content: bytes, *, tried: bool = False) -> None:
        """Check this JSON, and encode by it from now on; b"" means no vocabulary."""
        backend = _backend(content, self.max_length) if content else None
        size = backend.get_vocab_size() if backend else 0
        if size > self.vocab_size:
            rule = f"vocab_size must be at least the {size} tokens of the vocabulary"
            raise ValueError(f"{rule}, got {self.vocab_size}")
        highest = max(backend.get_vocab().values(), default=-1) if backend else -1
        if backend and max(highest, backend.padding["pad_id"]) >= self.vocab_size:
            rule = f"token ids must be below vocab_size, {self.vocab_size}"
            raise ValueError(f"{rule}, got {max(highest, backend.padding['pad_id'])}")
        if backend and not tried:
            try_captions(backend, max_length=self.max_length, vocab_size=self.vocab_size)
        self._json, self._backend = content, backend

    def _fitted(self) -> tokenizers.Tokenizer:
        if not self._json:
            raise RuntimeError(
                "the tokenizer has no vocabulary: call fit(captions) or load weights"
            )
        if self._backend is None:  # this object is a copy
            self._backend = _backend(self._json, self.max_length)
        return self._backend

    def _encode(self, captions: list[str]) -> list[tokenizers.Encoding]:
        limits = {"max_length": self.max_length, "vocab_size": self.vocab_size}
        encodings = encode_all(self._fitted(), captions, **limits)
        if not self._warned.done:
            self._warned.done = warn_of_cut(encodings, self.max_length)
        return encodings

    def __getstate__(self) -> dict[str, Any]:
        """All but the backend, whose copy would lose `encode_special_tokens`."""
        return self.__dict__ | {"_backend": None}


class _Once:
    """A flag that is shared with copies of its owner, so that only one of them gives a warning."""

    def __init__(self) -> None:
        self.done = False

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Once":
        return self


def _backend(content: bytes, max_length: int) -> tokenizers.Tokenizer:
    backend = read_tokenizer(content)
    padding = backend.padding
    if padding is None:
        raise ValueError("pad_token must be given, since the tokenizer's JSON names none")
    backend.enable_padding(pad_id=padding["pad_id"], pad_token=padding["pad_token"])
    backend.enable_truncation(max_length)
    backend.encode_special_tokens = True  # "<end>" in a caption is these five characters
    with TokenizerErrors("the tokenizer's JSON", "cannot read the empty caption"):
        empty = backend.encode("").ids
    if not empty:
        raise ValueError("the tokenizer's JSON must add a special token to an empty caption")
    return backend


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let the tokenizers library start no threads: older versions then warn at each later fork."""
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before
