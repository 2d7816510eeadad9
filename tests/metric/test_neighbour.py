"""Nearest neighbours: against every distance, one by one."""

import torch

from textgan.metric import neighbour


def features(n: int, *, seed: int) -> torch.Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed))


def test_the_nearest_is_the_smallest_of_all_distances_whatever_the_block(monkeypatch):
    points, others = features(20, seed=0), features(33, seed=1)
    every = (points.double()[:, None] - others.double()).norm(dim=2)
    for block in (1, 7, 100):
        monkeypatch.setattr(neighbour, "BLOCK", block)
        distances, rows = neighbour.nearest(points, others)
        torch.testing.assert_close(distances, every.min(1).values, rtol=1e-14, atol=0)
        assert rows.tolist() == every.argmin(1).tolist()


def test_an_equal_one_is_at_distance_0_however_long_the_features_are():
    points = features(50, seed=0) + 1e4
    distances, rows = neighbour.nearest(points, points.flip(0))
    assert distances.tolist() == [0.0] * 50
    assert rows.tolist() == list(reversed(range(50)))


def test_a_squared_distance_is_the_sum_of_squared_differences_and_never_below_0():
    a, b = features(8, seed=0).double(), features(9, seed=1).double()
    by_hand = (a[:, None] - b).square().sum(2)
    torch.testing.assert_close(neighbour.squared_distances(a, b), by_hand, rtol=1e-12, atol=0)
    assert (neighbour.squared_distances(a + 1e6, a + 1e6) >= 0).all()
