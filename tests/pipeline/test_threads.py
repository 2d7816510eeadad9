"""Several threads that share a pipeline get what one thread alone gets."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from textgan.text_encoder import FrozenTextEncoder

WORDS = ["red", "blue", "green", "circle", "square", "star", "left", "right"]
CAPTIONS = [
    " ".join(("a", WORDS[i % 8], WORDS[(3 * i + 1) % 8], *WORDS[: i % 5])) for i in range(24)
]


@pytest.fixture(autouse=True)
def _hasty_threads() -> Iterator[None]:
    """Let threads take turns a thousand times as often, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def pipeline(tiny_pipeline):
    return tiny_pipeline(CAPTIONS)


def in_threads(call: Callable[[str], Any], captions: list[str]) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, captions))


def assert_same(call: Callable[[str], Any]) -> None:
    expected = [call(caption) for caption in CAPTIONS]
    assert any(not _equal(expected[0], other) for other in expected)
    for caption, one, other in zip(CAPTIONS, expected, in_threads(call, CAPTIONS), strict=True):
        assert _equal(one, other), caption


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.shape == other.shape and torch.allclose(one.float(), other.float(), atol=1e-5)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def test_attention(pipeline):
    def call(caption: str) -> list:
        found = pipeline.attention(caption, seed=len(caption))
        return [(word.word, word.start, word.end, word.map) for word in found]

    assert_same(call)


def test_attention_beside_sampling(pipeline):
    """Sampling uses the same layers, and must not change the maps."""

    def call(caption: str) -> list:
        images = pipeline(caption, output_type="pt").images
        return [images, [word.map for word in pipeline.attention(caption)]]

    assert_same(call)


@pytest.mark.parametrize("caption", ["{}", "{} (star:1.7)"], ids=["plain", "weighted"])
def test_sampling(pipeline, caption):
    assert_same(
        lambda text: pipeline(caption.format(text), output_type="pt", guidance_scale=2.0).images
    )


def test_interpolation(pipeline):
    assert_same(
        lambda text: pipeline.interpolate(text, "a star", frames=3, output_type="pt").images
    )


def test_tokenizing(pipeline):
    tokenizer = pipeline.text_encoder.tokenizer
    assert_same(lambda text: [*tokenizer([text]), tokenizer.spans([text])])


def test_similarity(make_judge):
    judge, images = make_judge(CAPTIONS), torch.rand(2, 3, 16, 16) * 2 - 1
    assert_same(lambda text: judge.similarity(images, text))


def test_a_cache_that_is_too_small_for_all(tiny_pipeline):
    """Threads remove from the cache what other threads have just added."""
    encoder = FrozenTextEncoder(tiny_pipeline(CAPTIONS).text_encoder, cache_megabytes=1)
    encoder.eval()
    row = encoder(["a"]).words.element_size() * encoder.width
    encoder.cache.megabytes = 30 * row / 1_000_000
    for _ in range(2):
        assert_same(lambda text: encoder([text, "a star"]).words)
    kept = sum(states.nbytes for states in encoder.cache._rows.values())
    assert encoder.cache._bytes == kept
    assert kept <= 30 * row
