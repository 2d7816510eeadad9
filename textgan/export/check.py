"""Comparison of an exported graph with its pipeline."""

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
    """Largest absolute difference to PyTorch of images in [-1, 1]: of one value, and on average."""

    greatest: float
    mean: float


FLOAT, INT8 = Tolerance(1e-3, 1e-3), Tolerance(2.0, 0.1)


def differences(
    graph: SamplingGraph, session: Session, reader: CaptionReader
) -> tuple[float, float]:
    """Return the greatest and the mean absolute difference over random captions, short and long."""
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
    """Raise ConfigError if the reader's tokens are not those of the pipeline's tokenizer."""
    for captions in random_batches(reader, np.random.default_rng(0)):
        expected = [tensor.numpy() for tensor in tokenizer(captions)]
        if not all(map(np.array_equal, reader(captions), expected)):
            rule = "tokenizer.json must split captions as the pipeline does"
            raise ConfigError(f"{rule}, but not {captions!r:.80}")


def random_batches(reader: CaptionReader, random: np.random.Generator) -> Iterator[list[str]]:
    """Return random captions, short and long, in batches of each size."""
    for batch in BATCHES:
        for longest in (1, reader.max_length):
            yield random_captions(reader, random, batch, longest)


def random_captions(
    reader: CaptionReader, random: np.random.Generator, number: int, longest: int
) -> list[str]:
    """Return captions of random tokens, the first of about `longest`; none would be cut."""
    size, captions = reader.backend.get_vocab_size(), []
    for place in range(number):
        length = longest if place == 0 else random.integers(0, longest, endpoint=True)
        ids = random.integers(0, size, length).tolist()
        # Decoding omits special tokens, and replaces a part of a character by a longer text.
        while reader.backend.encode(reader.backend.decode(ids)).overflowing:
            ids.pop()
        captions.append(reader.backend.decode(ids))
    return captions


def accept_differences(greatest: float, mean: float, tolerance: Tolerance) -> None:
    """Raise ConfigError if a difference is above the tolerance, or NaN."""
    if not (greatest <= tolerance.greatest and mean <= tolerance.mean):
        raise ConfigError(
            f"images of the exported graph must be within {tolerance.greatest:g} of PyTorch's in "
            f"[-1, 1], and within {tolerance.mean:g} on average, got {greatest:.2g} and {mean:.2g}"
        )
