"""Sensitivity to a word of the caption: by hand, and its two ends."""

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.image import from_uint8
from textgan.metric import CaptionSensitivity
from textgan.types import Evaluation


class Projection(nn.Module):
    """Pictures of 4 x 4 pixels -> 6 fixed random projections."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(48, 6, generator=generator) / 48)

    def forward(self, images: Tensor) -> Tensor:
        return images.float().flatten(1) @ self.weight


class Red(nn.Module):
    """Pictures of one pixel -> how red they are, 0 to 255."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :1].float().flatten(1)


def red(*values: int) -> Tensor:
    """(B, 3, 1, 1)."""
    return from_uint8(torch.tensor(values))[:, None, None, None].expand(-1, 3, -1, -1)


def normal(n: int, *, seed: int) -> Tensor:
    return 0.3 * torch.randn(n, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def measure(
    first: Tensor, edited: Tensor | None, *, extractor: nn.Module | None = None
) -> dict[str, float]:
    metric = CaptionSensitivity(extractor or Projection())
    captions, index = [str(i) for i in range(len(first))], torch.arange(len(first))
    metric.update(Evaluation(captions, None, first[:, None], edited, index=index))
    return metric.compute()


def test_it_is_the_mean_distance_and_the_ratio_worked_by_hand():
    # draws move by 6, 0 and 30; those of different captions are 60, 40 and 100 apart
    found = measure(red(0, 60, 100), red(6, 60, 130), extractor=Red())
    assert found["distance"] == pytest.approx(12)
    assert found["relative"] == pytest.approx(12 / (200 / 3))
    assert found["n"] == found["distance"].n == found["relative"].n == 3


def test_the_interval_of_the_distance_is_from_its_standard_error_over_captions():
    found = measure(red(0, 0, 0, 9), red(10, 30, 20, 49), extractor=Red())["distance"]
    error = (500 / 3) ** 0.5 / 2  # of 10, 30, 20, 40
    assert (found.low, found, found.high) == pytest.approx(
        (25 - 1.96 * error, 25, 25 + 1.96 * error)
    )


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


def test_there_is_no_ratio_where_all_draws_are_equal():
    assert measure(red(7, 7, 7), red(7, 7, 7), extractor=Red()).keys() == {"distance", "n"}


def test_missing_edited_draws_and_too_few_captions_are_one_clear_sentence():
    with pytest.raises(ValueError, match="needs samples of edited captions, got none"):
        measure(normal(3, seed=0), None)
    with pytest.raises(TooFewError, match="CaptionSensitivity needs at least 3 captions, got 2"):
        measure(normal(2, seed=0), normal(2, seed=1))
