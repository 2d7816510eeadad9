"""Copies of training images: planted ones are found, and fresh images are not accused."""

import math

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.extractor import Pixels
from textgan.image import from_pil, from_uint8
from textgan.metric import Memorisation
from textgan.metric.interval import wilson
from textgan.metric.memorisation import nearer
from textgan.types import Evaluation

TITLE = "Samples beside the nearest training image"


def gray(*values: int) -> Tensor:
    return from_uint8(torch.tensor(values))[:, None, None, None].expand(-1, 3, -1, -1)


def images(n: int, *, seed: int) -> Tensor:
    return torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def metric_of(
    training: Tensor, draws: Tensor, held_out: Tensor, extractor: nn.Module | None = None
) -> Memorisation:
    metric = Memorisation(extractor or Pixels(1))
    metric.update_training(Evaluation(["x"] * len(training), training, training[:, None]))
    index = torch.arange(len(draws))
    metric.update(Evaluation(["x"] * len(draws), held_out, draws[:, None], index=index))
    return metric


def test_the_numbers_are_those_worked_by_hand():
    # nearest training images: samples 1, 5, 30 away, held-out images 5, 10, 40 away, in 3 channels
    metric = metric_of(gray(0, 100), gray(1, 95, 130), gray(5, 110, 140), nn.Flatten())
    found = metric.compute()
    # 1 is nearer than all three, 5 than two and ties with one, 30 than one: 3 + 2.5 + 1 of 9
    assert found["nearer"] == pytest.approx(6.5 / 9)
    assert found["copies"] == pytest.approx(1 / 3)  # only 1 is nearer than all three
    assert [found["distance"], found["distance_held_out"]] == pytest.approx([75**0.5, 300**0.5])
    assert (found["n"], found["n_training"]) == (3, 2)
    (series,) = metric.histograms().values()
    assert series["samples"].square().tolist() == pytest.approx([3, 75, 2700])
    assert series["held-out images"].square().tolist() == pytest.approx([75, 300, 4800])


def test_a_planted_copy_among_fresh_samples_is_found_and_shown():
    training, draws = images(300, seed=0), images(150, seed=1)
    draws[77] = training[123]
    metric = metric_of(training, draws, images(150, seed=2))
    found = metric.compute()
    assert found["copies"] > 0
    (series,) = metric.histograms().values()
    assert series["samples"].argmin() == 77
    assert series["samples"][77] == 0
    pairs, words = metric._closest
    assert words[0] == "distance 0"
    assert words[1] != "distance 0"
    assert torch.equal(pairs[0, :, :, :4], pairs[0, :, :, 4:])
    grid = from_pil(metric.images()[TITLE])
    left, right = grid[:, 8:136, 8:136], grid[:, 8:136, 136:264]  # the first of the pairs
    assert torch.equal(left, right)
    assert (left[:, 16::32, 16::32] - training[123]).abs().max() < 0.01


def test_samples_of_the_distribution_of_held_out_images_are_not_accused():
    inside = copies = 0
    for seed in range(20):
        parts = images(600, seed=seed).split([400, 100, 100])
        found = metric_of(*parts).compute()
        inside += found["nearer"].low < 0.5 < found["nearer"].high
        copies += found["copies"]
        assert abs(found["nearer"] - 0.5) < 0.15
    assert inside >= 19
    assert copies / 20 < 0.03


def test_a_generator_that_only_copies_scores_1():
    training = images(100, seed=0)
    found = metric_of(training, training[:50], images(50, seed=1)).compute()
    assert found["nearer"] == found["copies"] == 1
    assert found["distance"] == 0 < found["distance_held_out"]
    assert found["nearer"].low < 1  # however sure, fifty draws leave a doubt


def test_samples_far_from_the_data_are_nearer_than_nothing():
    found = metric_of(0.1 * images(50, seed=0), torch.ones(20, 3, 4, 4), 0.1 * images(20, seed=1))
    assert found.compute()["nearer"] == found.compute()["copies"] == 0


def test_held_out_images_that_were_trained_on_hide_copies_as_its_docstring_says():
    training, held_out = images(100, seed=0), images(50, seed=1)
    held_out[:25] = training[:25]
    found = metric_of(training, training[50:], held_out).compute()
    assert found["nearer"] == pytest.approx(0.75)
    assert found["copies"] == 0


def test_the_interval_of_nearer_holds_the_truth_in_95_of_100_samples():
    generator = torch.Generator().manual_seed(0)
    truth = 0.5 * (1 + math.erf(0.5 / 2**0.5))  # of two normal numbers sqrt(2) / 2 apart
    held = 0
    for _ in range(500):
        draws = torch.randn(30, generator=generator, dtype=torch.float64)
        others = torch.randn(50, generator=generator, dtype=torch.float64) + 2**0.5 / 2
        found = nearer(draws, others)
        held += found.low <= truth <= found.high
    assert held >= 0.95 * 500


def test_the_interval_of_nearer_is_wilsons_for_the_smaller_set():
    found = nearer(torch.tensor([1.0, 2.0]), torch.tensor([1.5, 3.0, 4.0]))
    assert found == pytest.approx(5 / 6)
    assert (found.low, found.high) == pytest.approx(wilson(5 / 3, 2))


def test_large_images_are_kept_small_and_gray_ones_in_colour():
    side = 128
    gray = torch.linspace(-1, 1, side).expand(3, 1, side // 2, side)
    metric = metric_of(gray, gray, gray)
    (kept,) = metric.known_thumbnails
    assert kept.shape == (3, 3, 32, 64)
    assert kept.dtype == torch.uint8
    assert kept[0, 0, 0, 0] == 1  # the mean of 0 and 2
    metric.compute()
    assert metric._closest[0].shape == (3, 3, 32, 128)


def test_samples_and_training_images_of_unequal_size_stand_side_by_side():
    metric = metric_of(images(9, seed=0), torch.ones(3, 3, 8, 8), images(3, seed=1))
    metric.compute()
    assert metric._closest[0].shape == (3, 3, 8, 16)


def test_only_ten_pairs_are_shown_and_none_before_compute_or_after_reset():
    metric = metric_of(images(50, seed=0), images(30, seed=1), images(30, seed=2))
    assert metric.images() == metric.histograms() == {}
    metric.compute()
    assert len(metric._closest[1]) == 10
    metric.reset()
    assert metric.images() == metric.histograms() == {}


def test_without_training_images_it_says_so_in_one_sentence():
    metric = Memorisation(Pixels(1))
    metric.update(Evaluation(["x"] * 3, images(3, seed=0), images(3, seed=1)[:, None]))
    with pytest.raises(TooFewError, match=r"update_training.*got 0 training images and 3 samples"):
        metric.compute()
