import copy

import pytest
import torch
from torch import nn

from textgan.training.ema import ImageEMA


def one(value: float) -> nn.Linear:
    linear = nn.Linear(1, 1)
    for parameter in linear.parameters():
        nn.init.constant_(parameter, value)
    return linear


@pytest.mark.parametrize(
    ("images", "images_seen", "expected"),
    [
        (100, 1_000_000, 0.5),  # one half-life
        (200, 1_000_000, 0.75),
        (50, 1_000, 0.5),  # young: a half-life of 5 % of 1,000
        (100, 1_000, 0.75),
    ],
)
def test_after_a_half_life_the_old_value_counts_half(images, images_seen, expected):
    ema = ImageEMA({"net": one(0.0)}, half_life_images=100)
    ema.update({"net": one(1.0)}, images=images, images_seen=images_seen)
    assert ema.averaged["net"].weight.item() == pytest.approx(expected)


def test_two_small_steps_are_one_large_step():
    small, large = (ImageEMA({"net": one(0.0)}, half_life_images=100) for _ in range(2))
    for _ in range(2):
        small.update({"net": one(1.0)}, images=30, images_seen=1_000_000)
    large.update({"net": one(1.0)}, images=60, images_seen=1_000_000)
    torch.testing.assert_close(small.averaged["net"].weight, large.averaged["net"].weight)


def test_buffers_are_those_of_the_present():
    ema, net = ImageEMA({"net": nn.BatchNorm1d(1)}, half_life_images=100), nn.BatchNorm1d(1)
    net.running_mean.fill_(3.0)
    ema.update({"net": net}, images=1, images_seen=10**6)
    assert ema.averaged["net"].running_mean.item() == 3


def test_what_is_frozen_is_shared_and_not_copied():
    net = nn.Sequential(one(0.0).requires_grad_(False), one(0.0))
    ema = ImageEMA({"net": net}, half_life_images=100)
    assert ema.averaged["net"][0].weight is net[0].weight
    assert ema.averaged["net"][1].weight is not net[1].weight
    other = copy.deepcopy(net)
    nn.init.ones_(other[0].weight)
    ema.update({"net": other}, images=100, images_seen=10**6)
    assert net[0].weight.item() == 0


def test_the_average_is_never_trained():
    ema = ImageEMA({"net": one(0.0)}, half_life_images=100)
    assert not any(p.requires_grad for p in ema.parameters())
