"""The Inception Score: values by hand and by torchmetrics."""

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image import inception

from textgan.errors import TooFewError
from textgan.image import from_uint8, to_uint8
from textgan.metric import InceptionScore
from textgan.types import Evaluation


class Logits(nn.Module):
    """Images of one pixel -> three classes: which channel is brightest, very sure of it."""

    def forward(self, images: Tensor) -> Tensor:
        return images.float().flatten(1)


def draws(classes: list[int], *, brightness: int = 255) -> Tensor:
    pixels = brightness * torch.eye(3)[classes]
    return from_uint8(pixels)[:, None, :, None, None]  # (B, 1, 3, 1, 1)


def measure(images: Tensor, *, index: Tensor | None = None, splits: int = 1) -> dict[str, float]:
    metric = InceptionScore(Logits(), splits=splits)
    metric.update(Evaluation(["x"] * len(images), None, images, index=index))
    return metric.compute()


def test_it_is_the_number_of_classes_where_each_sample_surely_is_of_one():
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


def test_only_the_first_sample_counts_and_the_remainder_is_left_out():
    images = torch.cat([draws([0, 1, 2] * 11), draws([1] * 33)], 1)
    found = measure(images, splits=10)
    assert found["n"] == found["inception_score"].n == 30
    assert found["inception_score"] > 1
    assert found["inception_score"].spread > 0


def test_it_is_that_of_torchmetrics_whose_permutation_has_the_seed_0():
    generator = torch.Generator().manual_seed(1)
    images = from_uint8(torch.randint(0, 4, (60, 1, 3, 1, 1), generator=generator))
    theirs = inception.InceptionScore(Logits(), splits=5)
    theirs.update(to_uint8(images[:, 0]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        mean, spread = theirs.compute()
    ours = measure(images, splits=5)["inception_score"]
    assert ours == pytest.approx(float(mean), rel=1e-6)
    assert ours.spread == pytest.approx(float(spread), rel=1e-4)
    assert measure(images)["inception_score"].spread is None


def test_too_few_samples_and_no_split_are_one_clear_sentence():
    with pytest.raises(TooFewError, match="needs at least 20 samples, two for each split, got 19"):
        measure(draws([0] * 19), splits=10)
    with pytest.raises(ValueError, match="splits must be at least 1, got 0"):
        InceptionScore(Logits(), splits=0)
