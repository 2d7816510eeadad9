"""Sharpness: the power of fine detail, by hand and in its direction."""

import math

import pytest
import torch
from torch.nn.functional import avg_pool2d

from textgan.metric import Sharpness
from textgan.metric.sharpness import fine_power
from textgan.scene.layout import place
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys
from textgan.types import Evaluation


def scenes(n: int) -> torch.Tensor:
    key = keys(4, 9, range(n))
    sampled = SceneSampler(max_objects=1).sample(key)
    return render(sampled, place(sampled, key), 32)


def score(real: torch.Tensor, draws: torch.Tensor) -> float:
    metric = Sharpness()
    metric.update(Evaluation([""] * len(real), real, draws[:, None]))
    return metric.compute()["sharpness"]


@pytest.mark.parametrize(("cycles", "counts"), [(4, False), (7, False), (9, True), (12, True)])
def test_only_waves_above_a_quarter_cycle_per_pixel_count(cycles, counts):
    wave = torch.cos(2 * math.pi * cycles * torch.arange(32).double() / 32)
    power = fine_power(wave.expand(1, 1, 32, 32))
    # In [0, 1] an amplitude of 1/2: two peaks of 32 * 32 / 4 each.
    assert power.item() == pytest.approx(2 * 256**2 * counts, abs=1e-6)


def test_a_constant_does_not_count():
    images = scenes(4) * 0.5
    torch.testing.assert_close(fine_power(images + 0.3), fine_power(images))


def test_real_images_score_1_blurred_less_and_noisy_ones_more():
    real = scenes(24)
    noise = 0.1 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    soft = avg_pool2d(real, 3, stride=1, padding=1, count_include_pad=False)
    assert score(real, real) == pytest.approx(1)
    assert score(real, soft) < 0.2
    assert score(real, real * 0.8 + noise) > score(real, real * 0.8) > 0.6


def test_half_the_contrast_has_a_quarter_of_the_power():
    real = scenes(4)
    assert score(real, real / 2) == pytest.approx(0.25)


def test_it_needs_real_images_with_detail():
    with pytest.raises(ValueError, match="got none"):
        Sharpness().update(Evaluation([""], None, torch.zeros(1, 1, 3, 8, 8)))
    with pytest.raises(ValueError, match="got 2 flat ones"):
        score(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))
