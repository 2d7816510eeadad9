"""Pixels as features: their distances by hand."""

import json

import pytest
import torch
from torch import Tensor

from textgan.extractor import Pixels
from textgan.metric import FID
from textgan.types import Evaluation


def some(n: int, size: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator)


def test_a_feature_is_the_mean_of_a_cell_over_the_root_of_their_number():
    picture = torch.tensor([[0, 255, 51, 51], [255, 0, 51, 51]], dtype=torch.uint8)
    images = torch.stack([picture, picture, torch.zeros_like(picture)])[None]
    features = Pixels(2)(torch.cat([images, images], 2))  # (1, 3, 4, 4), cells of 2 x 2
    root = 12**0.5
    colour = [0.5 / root, 0.2 / root, 0.5 / root, 0.2 / root]
    torch.testing.assert_close(features, torch.tensor([colour + colour + [0.0] * 4]))


def test_a_distance_is_the_root_mean_square_difference_of_pixels():
    a, b = some(2)
    features = Pixels(8)(torch.stack([a, b]))
    expected = ((a.double() - b.double()) / 255).square().mean().sqrt()
    torch.testing.assert_close((features[0] - features[1]).norm().double(), expected)


@pytest.mark.parametrize("side", [1, 5, 32])
def test_black_and_white_are_at_distance_one_whatever_the_side(side):
    black = torch.zeros(1, 3, 16, 24, dtype=torch.uint8)
    net = Pixels(side)
    assert net(black).shape == (1, net.num_features) == (1, 3 * side * side)
    assert (net(black + 255) - net(black)).norm().item() == pytest.approx(1, rel=1e-5)


def test_images_do_not_depend_on_the_batch_around_them():
    images = some(5)
    assert torch.equal(Pixels(4)(images)[2:3], Pixels(4)(images[2:3]))


def test_any_pixels_can_answer_for_any_side():
    images = some(2)
    found = Pixels(4).outputs(images, ["4", "2"])
    assert torch.equal(found["4"], Pixels(4)(images))
    assert torch.equal(found["2"], Pixels(2)(images))
    assert Pixels(4).network() == Pixels(2).network() == "pixels"


def test_a_metric_takes_it_and_its_protocol_is_json():
    metric = FID(Pixels(2), name="fd_pixels")
    metric.prepare()
    real = torch.linspace(-1, 1, 6 * 192).view(6, 3, 8, 8)
    metric.update(Evaluation([""] * 6, real, real[:, None]))
    assert metric.compute()["fd_pixels"] == pytest.approx(0, abs=1e-9)
    assert json.loads(json.dumps(metric.protocol()))["arguments"]["extractor"]["feature"] == "2"


def test_what_is_wrong_is_said_in_one_sentence():
    with pytest.raises(ValueError, match="side must be at least 1, got 0"):
        Pixels(0)
    for tap in ("0", "-2", "logits"):
        with pytest.raises(ValueError, match=f"taps of Pixels are sides, such as '32', got '{tap}"):
            Pixels(4).outputs(some(1), [tap])
    with pytest.raises(ValueError, match=r"must be \(B, 3, H, W\) uint8, got"):
        Pixels(4)(some(1).float())
