"""The Inception Score: values by hand, and that it is the same however draws arrive."""

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.image import from_uint8
from textgan.metric import InceptionScore
from textgan.types import Evaluation


class Logits(nn.Module):
    """Pictures of one pixel -> three classes: which channel is brightest, very sure of it."""

    def forward(self, images: Tensor) -> Tensor:
        return images.float().flatten(1)


def draws(classes: list[int], *, brightness: int = 255) -> Tensor:
    pixels = brightness * torch.eye(3)[classes]
    return from_uint8(pixels)[:, None, :, None, None]  # (B, 1, 3, 1, 1)


def measure(images: Tensor, *, index: Tensor | None = None, splits: int = 1) -> dict[str, float]:
    metric = InceptionScore(Logits(), splits=splits)
    metric.update(Evaluation(["x"] * len(images), None, images, index=index))
    return metric.compute()


def test_it_is_the_number_of_classes_where_each_draw_surely_is_of_one():
    assert measure(draws([0, 1, 2] * 10))["inception_score"] == pytest.approx(3)
    assert measure(draws([0, 2] * 10))["inception_score"] == pytest.approx(2)


def test_it_is_1_where_the_classifier_sees_the_same_in_all_draws():
    assert measure(draws([1] * 10))["inception_score"] == pytest.approx(1)


def test_it_is_the_exponential_of_the_mean_divergence_from_the_mean_prediction():
    # each draw has odds of e : 1 : 1 for its class; the mean prediction is 1/3 each
    found = measure(draws([0, 1, 2] * 4, brightness=1))["inception_score"]
    e = torch.tensor(1.0, dtype=torch.float64).exp()
    p = torch.stack([e, e / e, e / e]) / (e + 2)
    assert found == pytest.approx(float((p * (3 * p).log()).sum().exp()), rel=1e-9)


def test_only_the_first_draw_counts_and_the_remainder_is_left_out():
    images = torch.cat([draws([0, 1, 2] * 11), draws([1] * 33)], 1)
    found = measure(images, splits=10)
    assert found["n"] == found["inception_score"].n == 30
    assert found["inception_score"] > 1
    assert found["inception_score"].spread > 0


def test_one_split_has_no_spread():
    assert measure(draws([0, 1, 2]))["inception_score"].spread is None


def test_arrival_in_another_order_and_the_state_of_the_generator_change_nothing():
    images, index = draws([0, 1, 2, 0, 0, 1] * 10), torch.arange(60)
    order = torch.randperm(60)
    one = measure(images, index=index, splits=5)
    torch.rand(1)
    other = measure(images[order], index=index[order], splits=5)
    assert one == other
    assert one["inception_score"].spread == other["inception_score"].spread > 0


def test_the_random_numbers_of_others_stay_what_they_were():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    measure(draws([0, 1, 2]))
    assert torch.rand(1) == expected


def test_too_few_draws_and_no_split_are_one_clear_sentence():
    with pytest.raises(TooFewError, match="needs at least 20 samples, two for each split, got 19"):
        measure(draws([0] * 19), splits=10)
    with pytest.raises(ValueError, match="splits must be at least 1, got 0"):
        InceptionScore(Logits(), splits=0)
