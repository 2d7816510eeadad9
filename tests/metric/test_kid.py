"""The kernel distance: its value by hand and by torchmetrics, its interval, its direction."""

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.kid import KernelInceptionDistance

from textgan.image import to_rgb_uint8
from textgan.metric import KID, kid
from textgan.types import Evaluation


class Projection(nn.Module):
    """Images of 8 x 8 pixels -> 6 fixed random projections."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(192, 6, generator=generator) / 8)

    def forward(self, images: Tensor) -> Tensor:
        return (images.float() / 127.5 - 1).flatten(1) @ self.weight


def images(n: int, *, seed: int) -> Tensor:
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def features(images: Tensor) -> Tensor:
    return Projection()(to_rgb_uint8(images)).detach().double()


def measure(real: Tensor, draws: Tensor) -> dict[str, float]:
    metric = KID(Projection(), name="mmd")
    metric.update(Evaluation(["x"] * len(real), real, torch.empty(0, 1, 3, 8, 8)))
    metric.update(Evaluation(["x"] * len(draws), torch.empty(0, 3, 8, 8), draws[:, None]))
    return metric.compute()


def by_loops(x: Tensor, y: Tensor) -> float:
    def kernel(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    def mean(pairs: list[tuple[Tensor, Tensor]]) -> float:
        return sum(kernel(a, b) for a, b in pairs) / len(pairs)

    within = [[(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j] for z in (x, y)]
    return mean(within[0]) + mean(within[1]) - 2 * mean([(a, b) for a in x for b in y])


def test_it_is_the_mean_over_all_pairs_one_by_one_for_sets_of_unequal_size():
    real, draws = images(9, seed=0), 0.5 * images(6, seed=1)
    found = measure(real, draws)
    assert found["mmd"] == pytest.approx(by_loops(features(real), features(draws)), rel=1e-10)
    assert found["n"] == found["mmd"].n == 6


def test_it_is_that_of_torchmetrics_with_one_subset_of_all_images():
    real, draws = images(40, seed=0), 0.7 * images(40, seed=1)
    theirs = KernelInceptionDistance(nn.Identity(), subsets=1, subset_size=40)
    theirs.update(features(real), real=True)
    theirs.update(features(draws), real=False)
    assert measure(real, draws)["mmd"] == pytest.approx(float(theirs.compute()[0]), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (8, 5)])
def test_the_interval_is_that_of_leaving_each_image_out_and_starting_over(n, m):
    real, draws = features(images(n, seed=0)), features(0.5 * images(m, seed=1))
    variance = 0.0
    for size, sets in (
        (n, lambda kept: (real[kept], draws)),
        (m, lambda kept: (real, draws[kept])),
    ):
        values = [by_loops(*sets(torch.arange(size) != i)) for i in range(size)]
        variance += float(torch.tensor(values, dtype=torch.float64).var(correction=0)) * (size - 1)
    found = measure(images(n, seed=0), 0.5 * images(m, seed=1))["mmd"]
    assert found.high - found == pytest.approx(1.96 * variance**0.5, rel=1e-8)
    assert found - found.low == pytest.approx(found.high - found)


def test_blocks_change_nothing(monkeypatch):
    real, draws = features(images(23, seed=0)), features(images(17, seed=1))
    whole = kid.row_sums(real, draws)
    monkeypatch.setattr(kid, "BLOCK", 5)
    monkeypatch.setattr(kid, "_SMALL", 3)
    for one, other in zip(kid.row_sums(real, draws), whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_interval_of_two_halves_of_one_set_covers_0():
    covered = 0
    for seed in range(40):
        found = measure(*images(120, seed=seed).split(60))["mmd"]
        covered += found.low <= 0 <= found.high
    assert covered >= 38


def test_it_rises_with_noise_and_with_blur():
    real, other = (0.3 * images(200, seed=seed) for seed in (0, 1))
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(2))
    noisy = [measure(real, other + amount * noise)["mmd"] for amount in (0, 0.1, 0.2, 0.4)]
    assert noisy == sorted(noisy)
    assert noisy[-1].low > 0
    blurred = [other, *(_blur(other, side) for side in (3, 5, 7))]
    blurred = [measure(real, images)["mmd"] for images in blurred]
    assert blurred == sorted(blurred)
    assert blurred[-1].low > 0


def _blur(images: Tensor, side: int) -> Tensor:
    return nn.functional.avg_pool2d(images, side, 1, side // 2, count_include_pad=False)


def test_fewer_than_three_images_are_one_clear_sentence():
    metric = KID(Projection(), name="mmd")
    metric.update(Evaluation(["x"] * 2, images(2, seed=0), images(2, seed=1)[:, None]))
    with pytest.raises(ValueError, match="KID needs at least 3 images of each kind, got 2 real"):
        metric.compute()
