"""What every posterior of `conf/posterior` keeps beside the contract of all networks."""

from pathlib import Path

import pytest
import torch

from textgan.posterior import PosteriorEncoder

FOLDER = Path(__file__).parents[2] / "conf" / "posterior"
FILES = [file for file in sorted(FOLDER.glob("*.yaml")) if "latent" not in file.stem]


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def posterior(request, make_network) -> PosteriorEncoder:
    return make_network(request.param).eval()


def test_it_is_a_gaussian_over_the_stated_noise(posterior, network_inputs):
    q = posterior(*network_inputs()[1:])
    assert q.mean.shape == q.log_variance.shape == (3, *posterior.noise_shape)


def test_its_variance_is_finite_and_positive_for_any_image(posterior, network_inputs):
    _, images, text = network_inputs()
    q = posterior(1e6 * images, text)
    assert torch.isfinite(q.mean).all()
    variance = q.log_variance.exp()
    assert torch.isfinite(variance).all()
    assert (variance > 0).all()


def test_a_variance_at_its_limit_can_come_back(posterior, network_inputs):
    _, images, text = network_inputs()
    for scale, sign in ((1e3, 1.0), (-1e3, -1.0)):
        torch.nn.init.constant_(posterior.from_maps.bias, scale)
        posterior.zero_grad()
        (sign * posterior(images, text).log_variance.sum()).backward()
        assert posterior.from_maps.bias.grad[4:].abs().min() > 0


def test_gradient_of_mean_and_variance_reaches_the_image_and_the_text(posterior, network_inputs):
    for name in ("mean", "log_variance"):
        _, images, text = network_inputs()
        images.requires_grad_()
        text.pooled.requires_grad_()
        getattr(posterior(images, text), name).sum().backward()
        assert (images.grad.flatten(1).abs().sum(1) > 0).all()
        assert (text.pooled.grad.abs().sum(1) > 0).all()


def test_every_word_is_read_and_padding_is_not(posterior, network_inputs):
    _, images, text = network_inputs()
    text.words.requires_grad_()
    posterior(images, text).mean.square().sum().backward()
    assert ((text.words.grad.abs().sum(2) > 0) == text.mask).all()
