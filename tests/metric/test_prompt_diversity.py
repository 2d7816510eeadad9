"""Diversity of the draws of a caption: by hand, and its two ends."""

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.image import from_uint8
from textgan.metric import PromptDiversity
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


def red(values: list[list[int]]) -> Tensor:
    """(B, k, 3, 1, 1)."""
    return from_uint8(torch.tensor(values))[:, :, None, None, None].expand(-1, -1, 3, -1, -1)


def normal(*shape: int, seed: int) -> Tensor:
    return 0.3 * torch.randn(*shape, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def measure(images: Tensor, captions: list[str] | None = None, **arguments) -> dict[str, float]:
    metric = PromptDiversity(arguments.pop("extractor", Projection()), **arguments)
    captions = captions or [str(i) for i in range(len(images))]
    metric.update(Evaluation(captions, None, images, index=torch.arange(len(images))))
    return metric.compute()


def test_it_is_the_mean_over_pairs_worked_by_hand():
    # the pairs of 0, 10, 40 are 10, 30, 40 apart, those of 100, 100, 130 are 0, 30, 30 apart, and
    # the last caption's draws are equal; first draws are 100, 100 and 200 apart
    draws = red([[0, 10, 40], [100, 100, 130], [200, 200, 200]])
    found = measure(draws, extractor=Red(), draws=3)
    assert found["distance"] == pytest.approx((80 / 3 + 20 + 0) / 3)
    assert found["relative"] == pytest.approx((140 / 9) / (400 / 3))
    assert found["n"] == found["distance"].n == found["relative"].n == 3


def test_the_interval_of_the_distance_is_from_its_standard_error_over_captions():
    found = measure(red([[0, 10], [0, 30], [0, 20], [9, 49]]), extractor=Red(), draws=2)["distance"]
    error = (500 / 3) ** 0.5 / 2  # of 10, 30, 20, 40
    assert (found.low, found, found.high) == pytest.approx(
        (25 - 1.96 * error, 25, 25 + 1.96 * error)
    )


def test_it_is_0_where_the_noise_is_ignored():
    found = measure(normal(20, 1, seed=0).expand(-1, 4, -1, -1, -1))
    assert 0 <= found["relative"] < 1e-6
    assert 0 <= found["distance"] < 1e-5  # rounding of the net


def test_it_is_1_where_the_caption_is_ignored():
    found = [measure(normal(100, 4, seed=seed))["relative"] for seed in range(20)]
    assert sum(f.low < 1 < f.high for f in found) >= 19
    assert all(f.high - f.low < 0.3 for f in found)


def test_it_rises_with_what_the_noise_decides():
    captions, noise = normal(50, 1, seed=0), normal(50, 4, seed=1)
    found = [measure(captions + amount * noise)["relative"] for amount in (0, 0.1, 0.3, 1)]
    assert found == sorted(found)
    assert len(set(found)) == 4


def test_pairs_of_equal_captions_are_no_yardstick():
    draws = red([[0, 30], [0, 30], [60, 90], [60, 90]])
    found = measure(draws, ["a", "a", "b", "b"], extractor=Red(), draws=2)
    assert found["relative"] == pytest.approx(30 / 60)
    assert measure(draws, ["a"] * 4, extractor=Red(), draws=2).keys() == {"distance", "n"}


def test_more_draws_than_it_asks_for_are_not_looked_at():
    draws = normal(10, 6, seed=0)
    assert measure(draws) == measure(draws[:, :4])
    assert PromptDiversity(Projection(), draws=6).draws_per_caption == 6


def test_too_few_draws_and_captions_are_one_clear_sentence():
    with pytest.raises(ValueError, match="draws must be at least 2, got 1"):
        PromptDiversity(Projection(), draws=1)
    with pytest.raises(ValueError, match="needs 4 samples of a caption, got 3"):
        measure(normal(5, 3, seed=0))
    with pytest.raises(TooFewError, match="PromptDiversity needs at least 3 captions, got 2"):
        measure(normal(2, 4, seed=0))
    with pytest.raises(TooFewError, match="PromptDiversity needs at least 3 captions, got 0"):
        measure(normal(0, 4, seed=0))
