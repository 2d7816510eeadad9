"""Whether an exported graph draws what the pipeline draws."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from textgan.caption.tokenizer import Tokenizer
from textgan.errors import ConfigError
from textgan.export.graph import SamplingGraph
from textgan.export.session import Session
from textgan.export.tokens import CaptionReader

BATCHES = (1, 3, 16)


@dataclass(frozen=True)
class Tolerance:
    """How far pictures in [-1, 1] may be from PyTorch's: anywhere, and on average."""

    greatest: float
    mean: float


FLOAT, INT8 = Tolerance(1e-3, 1e-3), Tolerance(2.0, 0.1)


def differences(
    graph: SamplingGraph, session: Session, reader: CaptionReader
) -> tuple[float, float]:
    """The greatest and the mean absolute difference over random captions, short and long."""
    random, gaps = np.random.default_rng(0), []
    for captions in random_batches(reader, random):
        noise = random.standard_normal((len(captions), *graph.pipeline.noise_shape), np.float32)
        given = (*reader(captions), noise)
        with torch.no_grad():
            expected = graph(*map(torch.from_numpy, given)).numpy()
        gaps.append(np.abs(session(*given) - expected).reshape(-1))
    whole = np.concatenate(gaps)
    return float(whole.max()), float(whole.mean())


def accept_tokens(tokenizer: Tokenizer, reader: CaptionReader) -> None:
    """Refuse a reader that splits captions into other tokens than the pipeline's tokenizer.

    Raises:
        ConfigError: it does.
    """
    for captions in random_batches(reader, np.random.default_rng(0)):
        expected = [tensor.numpy() for tensor in tokenizer(captions)]
        if not all(map(np.array_equal, reader(captions), expected)):
            rule = "tokenizer.json must split captions as the pipeline does"
            raise ConfigError(f"{rule}, but not {captions!r:.80}")


def random_batches(reader: CaptionReader, random: np.random.Generator) -> Iterator[list[str]]:
    """Captions of any letters, in batches of each size, short ones and long ones."""
    for batch in BATCHES:
        for longest in (1, reader.max_length):
            yield random_captions(reader, random, batch, longest)


def random_captions(
    reader: CaptionReader, random: np.random.Generator, number: int, longest: int
) -> list[str]:
    """Captions of random tokens, the first of about `longest` of them, none that would be cut."""
    size, captions = reader.backend.get_vocab_size(), []
    for place in range(number):
        length = longest if place == 0 else random.integers(0, longest, endpoint=True)
        ids = random.integers(0, size, length).tolist()
        # Special tokens fall away, and half letters take more tokens than they were.
        while reader.backend.encode(reader.backend.decode(ids)).overflowing:
            ids.pop()
        captions.append(reader.backend.decode(ids))
    return captions


def accept_differences(greatest: float, mean: float, tolerance: Tolerance) -> None:
    """Refuse what is too far off, or no number.

    Raises:
        ConfigError: it is.
    """
    if not (greatest <= tolerance.greatest and mean <= tolerance.mean):
        raise ConfigError(
            f"the exported graph must draw within {tolerance.greatest:g} of PyTorch in [-1, 1] and "
            f"within {tolerance.mean:g} on average, got {greatest:.2g} and {mean:.2g}"
        )
