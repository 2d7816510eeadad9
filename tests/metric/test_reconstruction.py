"""PSNR and SSIM."""

import math

import pytest
import torch

from textgan.evaluation.runner import by_reconstruction
from textgan.evaluation.sampled import SampledEvaluation
from textgan.metric import PSNR, SSIM
from textgan.types import Evaluation


def evaluation(real: torch.Tensor, again: torch.Tensor) -> Evaluation:
    return Evaluation(["x"] * len(real), real, again[:, None])


def noise(count: int = 4) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(count, 3, 16, 16) * 2 - 1


def test_psnr_by_hand():
    metric, real = PSNR(), torch.zeros(2, 3, 16, 16)
    metric.update(evaluation(real, real + torch.tensor([0.2, 0.02])[:, None, None, None]))
    found = metric.compute()["psnr"]
    # in [0, 1] the errors are 0.1 and 0.01: 20 and 40 dB
    assert found == pytest.approx(30.0, abs=1e-3)
    assert found.n == 2
    assert found.low == pytest.approx(30 - 1.96 * math.sqrt(200 / 2), abs=0.1)


def test_equal_images_have_a_finite_psnr_and_an_ssim_of_one():
    real = noise()
    for metric, expected in ((PSNR(), 100.0), (SSIM(), 1.0)):
        metric.update(evaluation(real, real))
        (value,) = metric.compute().values()
        assert value == pytest.approx(expected)


def test_ssim_falls_with_noise_and_does_not_depend_on_the_batches():
    real, again = noise(6), noise(6) + 0.3 * torch.randn(6, 3, 16, 16)
    whole, parts = SSIM(), SSIM()
    whole.update(evaluation(real, again))
    for rows in (slice(0, 2), slice(2, 6)):
        parts.update(evaluation(real[rows], again[rows]))
    value = whole.compute()["ssim"]
    assert 0.3 < value < 0.95
    assert parts.compute()["ssim"] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("metric", [PSNR, SSIM])
def test_without_images_there_is_no_value(metric):
    with pytest.raises(ValueError, match="needs images, got none"):
        metric().compute()


@pytest.mark.parametrize("metric", [PSNR(), SSIM()])
def test_samples_of_captions_are_not_compared_with_images(metric):
    with pytest.raises(ValueError, match="metric mine compares images with their reconstructions"):
        SampledEvaluation({"mine": metric}, seed=0)
    SampledEvaluation({"mine": metric}, seed=0, sampler=by_reconstruction)
