"""Diversity of the samples of a caption: by hand, and its two ends."""

import pytest
import torch
from torch import Tensor

from textgan.errors import TooFewError
from textgan.extractor import Pixels
from textgan.image import from_uint8
from textgan.metric import PromptDiversity
from textgan.types import Evaluation


def gray(values: list[list[int]]) -> Tensor:
    """(B, k, 3, 1, 1), whose distances by `Pixels(1)` are the differences of values over 255."""
    return from_uint8(torch.tensor(values))[:, :, None, None, None].expand(-1, -1, 3, -1, -1)


def normal(*shape: int, seed: int) -> Tensor:
    return 0.3 * torch.randn(*shape, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def measure(images: Tensor, captions: list[str] | None = None, draws: int = 4) -> dict[str, float]:
    metric = PromptDiversity(Pixels(images.shape[-1]), draws=draws)
    captions = captions or [str(i) for i in range(len(images))]
    metric.update(Evaluation(captions, None, images, index=torch.arange(len(images))))
    return metric.compute()


def test_it_is_the_mean_over_pairs_worked_by_hand():
    # the pairs of 0, 10, 40 are 10, 30, 40 apart, those of 100, 100, 130 are 0, 30, 30 apart, and
    # the last caption's samples are equal; first samples are 100, 100 and 200 apart
    found = measure(gray([[0, 10, 40], [100, 100, 130], [200, 200, 200]]), draws=3)
    assert found["distance"] == pytest.approx((80 / 3 + 20 + 0) / 3 / 255)
    assert found["relative"] == pytest.approx((140 / 9) / (400 / 3))
    assert found["n"] == found["distance"].n == found["relative"].n == 3


def test_it_is_0_where_the_noise_is_ignored():
    found = measure(normal(20, 1, seed=0).expand(-1, 4, -1, -1, -1))
    assert found["relative"] == found["distance"] == 0


def test_it_is_1_where_the_caption_is_ignored():
    found = [measure(normal(100, 4, seed=seed))["relative"] for seed in range(20)]
    assert sum(f.low < 1 < f.high for f in found) >= 19
    assert all(f.high - f.low < 0.3 for f in found)


def test_it_rises_with_what_the_noise_decides():
    captions, noise = normal(50, 1, seed=0), normal(50, 4, seed=1)
    found = [measure(captions + amount * noise)["relative"] for amount in (0, 0.1, 0.3, 1)]
    assert found == sorted(found)
    assert len(set(found)) == 4


def test_pairs_of_equal_captions_do_not_count():
    draws = gray([[0, 30], [0, 30], [60, 90], [60, 90]])
    found = measure(draws, ["a", "a", "b", "b"], draws=2)
    assert found["relative"] == pytest.approx(30 / 60)
    assert measure(draws, ["a"] * 4, draws=2).keys() == {"distance", "n"}


def test_more_samples_than_it_needs_are_ignored():
    draws = normal(10, 6, seed=0)
    assert measure(draws) == measure(draws[:, :4])
    assert PromptDiversity(Pixels(), draws=6).draws_per_caption == 6


def test_too_few_samples_and_captions_are_one_clear_sentence():
    with pytest.raises(ValueError, match="draws must be at least 2, got 1"):
        PromptDiversity(Pixels(), draws=1)
    with pytest.raises(ValueError, match="needs 4 samples of a caption, got 3"):
        measure(normal(5, 3, seed=0))
    with pytest.raises(TooFewError, match="PromptDiversity needs at least 3 captions, got 0"):
        measure(normal(0, 4, seed=0))
