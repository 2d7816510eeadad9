import math

import pytest
import torch

from textgan.layer import from_logits, to_logits
from textgan.loss import LogitLaplaceLikelihood
from textgan.types import LogitLaplace


def test_the_value_by_hand(make_step):
    # a pixel of 0.5 in [-1, 1] is 0.75 in [0, 1], and 0.7 with the margin
    real = torch.full((2, 1, 2, 2), 0.5)
    mean, log_scale = torch.full_like(real, 0.3), torch.full_like(real, math.log(0.5))
    step = make_step(real=real, pixels=LogitLaplace(mean, log_scale))
    logit = math.log(0.7 / 0.3)
    expected = math.log(2 * 0.5) + math.log(0.7 * 0.3) + abs(logit - 0.3) / 0.5
    assert LogitLaplaceLikelihood().generator_loss(step).item() == pytest.approx(expected, abs=1e-5)


def test_the_density_integrates_to_one():
    x = torch.linspace(1e-6, 1 - 1e-6, 400_001, dtype=torch.float64)
    mean, scale = 0.4, 0.7
    density = torch.exp(-(torch.logit(x) - mean).abs() / scale) / (2 * scale * x * (1 - x))
    assert torch.trapezoid(density, x).item() == pytest.approx(1.0, abs=1e-3)


def test_logits_are_finite_and_inverted():
    images = torch.linspace(-1, 1, 11)
    assert to_logits(images).abs().max().item() == pytest.approx(math.log(9), abs=1e-4)
    torch.testing.assert_close(from_logits(to_logits(images)), images)
    assert from_logits(torch.tensor([-99.0, 99.0])).tolist() == [-1.0, 1.0]


def test_an_autoencoder_without_a_distribution_is_a_sentence(make_step):
    with pytest.raises(ValueError, match="logit_laplace needs an autoencoder with"):
        LogitLaplaceLikelihood().generator_loss(make_step())
