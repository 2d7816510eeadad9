"""Precision, recall, density, coverage: against loops over all pairs, and their directions."""

import pytest
import torch
from torch import Tensor

from textgan.errors import TooFewError
from textgan.extractor import Pixels
from textgan.image import from_uint8, to_rgb_uint8
from textgan.metric import Manifold, manifold
from textgan.metric.interval import wilson
from textgan.types import Evaluation


def images(n: int, *, seed: int) -> Tensor:
    return torch.rand(n, 3, 1, 1, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def gray(*values: int) -> Tensor:
    return from_uint8(torch.tensor(values))[:, None, None, None].expand(-1, 3, -1, -1)


def measure(real: Tensor, draws: Tensor, **arguments: int) -> dict[str, float]:
    metric = Manifold(Pixels(1), **arguments)
    size = real.shape[1:]
    metric.update(Evaluation(["x"] * len(real), real, torch.empty(0, 1, *size)))
    metric.update(Evaluation(["x"] * len(draws), torch.empty(0, *size), draws[:, None]))
    return metric.compute()


def by_loops(real: Tensor, draws: Tensor, k: int, density_k: int) -> dict[str, float]:
    x, y = (Pixels(1)(to_rgb_uint8(p)).double() for p in (real, draws))

    def radius(points: Tensor, i: int, k: int) -> float:
        return sorted(float((points[i] - p).norm()) for j, p in enumerate(points) if j != i)[k - 1]

    def inside(point: Tensor, points: Tensor, k: int) -> list[bool]:
        return [float((point - p).norm()) <= radius(points, i, k) for i, p in enumerate(points)]

    precise = [any(inside(b, x, k)) for b in y]
    recalled = [any(inside(a, y, k)) for a in x]
    balls = [inside(b, x, density_k) for b in y]
    covered = [any(ball[i] for ball in balls) for i in range(len(x))]
    return {
        "precision": sum(precise) / len(y),
        "recall": sum(recalled) / len(x),
        "density": sum(map(sum, balls)) / len(y) / density_k,
        "coverage": sum(covered) / len(x),
        "n": min(len(x), len(y)),
    }


def test_the_four_numbers_are_those_worked_by_hand():
    # With k = 1 the real balls are 0 +- 10, 10 +- 10, 30 +- 20, those of the samples 12 +- 1,
    # 13 +- 1, 90 +- 77. The samples 12 and 13 lie in the balls of 10 and 30, 90 in none; of the
    # real images only 30 lies in a sample's ball (90 - 77 = 13).
    found = measure(gray(0, 10, 30), gray(12, 13, 90), precision_neighbours=1, density_neighbours=1)
    expected = {"precision": 2 / 3, "recall": 1 / 3, "density": 4 / 3, "coverage": 2 / 3, "n": 3}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("k", "density_k"), [(3, 5), (2, 1)])
def test_they_are_those_of_loops_over_all_pairs_for_sets_of_unequal_size(k, density_k):
    real, draws = images(14, seed=0), 0.6 * images(10, seed=1) + 0.1
    found = measure(real, draws, precision_neighbours=k, density_neighbours=density_k)
    assert found == pytest.approx(by_loops(real, draws, k, density_k))
    assert 0 < found["recall"] < 1


def test_blocks_change_nothing(monkeypatch):
    real, draws = images(40, seed=0), 0.6 * images(30, seed=1)
    whole = measure(real, draws)
    monkeypatch.setattr(manifold, "BLOCK", 7)
    assert measure(real, draws) == whole


def test_a_set_with_itself_has_all_of_it_in_its_own_balls():
    real = images(100, seed=0)
    found = measure(real, real.flip(0))
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1)


def test_equal_images_lie_in_one_anothers_balls_whose_radius_is_0():
    real = images(4, seed=0).repeat_interleave(8, 0)
    found = measure(real, real.flip(0))
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1)
    assert found["density"] == pytest.approx(8 / 5)


def test_under_mode_collapse_recall_falls_and_precision_stays():
    real, others = images(200, seed=0), images(200, seed=1)
    healthy = measure(real, others)
    collapsed = measure(real, real[:1] + 0.05 * others)
    assert collapsed["precision"] >= healthy["precision"] > 0.9
    assert collapsed["recall"].high < 0.1
    assert healthy["recall"].low > 0.85
    assert collapsed["coverage"] < 0.2 < healthy["coverage"]


def test_under_large_noise_precision_falls_and_recall_stays():
    real = 0.1 * images(200, seed=0)
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(2))
    found = measure(real, 0.1 * images(200, seed=1) + 0.5 * noise)
    assert found["precision"].high < 0.3
    assert found["recall"] > 0.9


def test_samples_of_the_same_distribution_have_a_density_of_about_1():
    found = measure(images(300, seed=0), images(300, seed=1))["density"]
    assert found.low < 1 < found.high
    assert found.high - found.low < 0.5


def test_shares_have_wilsons_interval_over_their_own_images():
    found = measure(images(14, seed=0), 0.6 * images(10, seed=1))
    for name, n in (("precision", 10), ("recall", 14), ("coverage", 14)):
        value = found[name]
        assert value.n == n
        assert (value.low, value.high) == wilson(round(value * n), n)


def test_too_few_images_and_no_neighbours_are_one_clear_sentence():
    with pytest.raises(TooFewError, match="Manifold needs at least 6 images of each kind, got 6"):
        measure(images(6, seed=0), images(5, seed=1))
    with pytest.raises(ValueError, match="must be at least 1, got 0 and 5"):
        Manifold(Pixels(1), precision_neighbours=0)
