"""Sensitivity to a word of the caption: by hand, and its two ends."""

import pytest
import torch
from torch import Tensor

from textgan.extractor import Pixels
from textgan.image import from_uint8
from textgan.metric import CaptionSensitivity
from textgan.types import Evaluation


def gray(*values: int) -> Tensor:
    """(B, 3, 1, 1), whose distances by `Pixels(1)` are the differences of values over 255."""
    return from_uint8(torch.tensor(values))[:, None, None, None].expand(-1, 3, -1, -1)


def normal(n: int, *, seed: int) -> Tensor:
    return 0.3 * torch.randn(n, 3, 1, 1, generator=torch.Generator().manual_seed(seed))


def measure(first: Tensor, edited: Tensor | None) -> dict[str, float]:
    metric = CaptionSensitivity(Pixels(1))
    captions, index = [str(i) for i in range(len(first))], torch.arange(len(first))
    metric.update(Evaluation(captions, None, first[:, None], edited, index=index))
    return metric.compute()


def test_it_is_the_mean_distance_and_the_ratio_worked_by_hand():
    # samples move by 6, 0 and 30; those of different captions are 60, 40 and 100 apart
    found = measure(gray(0, 60, 100), gray(6, 60, 130))
    assert found["distance"] == pytest.approx(12 / 255)
    assert found["relative"] == pytest.approx(12 / (200 / 3))
    assert found["n"] == found["distance"].n == found["relative"].n == 3


def test_it_is_0_where_the_caption_is_ignored_or_no_word_could_be_changed():
    first = normal(10, seed=0)
    found = measure(first, first)
    assert found["distance"] == found["relative"] == 0


def test_it_is_1_where_a_word_changes_as_much_as_another_caption_and_noise():
    found = measure(normal(400, seed=0), normal(400, seed=1))["relative"]
    assert found.low < 1 < found.high
    assert found.high - found.low < 0.2


def test_it_rises_with_what_the_word_decides():
    first, other = normal(50, seed=0), normal(50, seed=1)
    found = [measure(first, first.lerp(other, amount)) for amount in (0.1, 0.2, 0.5)]
    assert [f["relative"] for f in found] == sorted(f["relative"] for f in found)
    assert [f["distance"] for f in found] == sorted(f["distance"] for f in found)


def test_there_is_no_ratio_where_all_samples_are_equal():
    assert measure(gray(7, 7, 7), gray(7, 7, 7)).keys() == {"distance", "n"}


def test_missing_samples_of_edited_captions_are_one_clear_sentence():
    with pytest.raises(ValueError, match="needs samples of edited captions, got none"):
        measure(normal(3, seed=0), None)
