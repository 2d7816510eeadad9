"""The contract of every posterior of `conf/posterior`."""

from pathlib import Path

import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from textgan.posterior import PosteriorEncoder
from textgan.types import TextFeatures

FILES = sorted((Path(__file__).parents[2] / "conf" / "posterior").glob("*.yaml"))
SHARED = {"image_size": 16, "channels": 3, "text_width": 8, "noise_width": 4}
SHAPES = [(1, 16), (4, 16), (3, 24), (3, 32), (1, 40), (3, 64), (12, 8)]  # channels, size


def make(file: Path, shared: dict | None = None, **changes) -> PosteriorEncoder:
    torch.manual_seed(0)
    config = OmegaConf.create({**SHARED, **(shared or {}), "part": OmegaConf.load(file)})
    return instantiate(config.part, **changes)


def given(channels: int = 3, image_size: int = 16):
    torch.manual_seed(1)
    mask = torch.arange(5) < torch.tensor([5, 1, 3])[:, None]
    words = torch.randn(3, 5, SHARED["text_width"]) * mask[..., None]
    text = TextFeatures(words, mask, torch.randn(3, SHARED["text_width"]))
    return torch.rand(3, channels, image_size, image_size) * 2 - 1, text


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request) -> Path:
    return request.param


@pytest.fixture
def posterior(file) -> PosteriorEncoder:
    return make(file).eval()


@pytest.mark.parametrize(("channels", "size"), SHAPES)
def test_it_is_a_gaussian_over_the_stated_noise(file, channels, size):
    posterior = make(file, {"image_size": size, "channels": channels})
    assert isinstance(posterior, PosteriorEncoder)
    q = posterior(*given(channels, size))
    assert q.mean.shape == q.log_variance.shape == (3, *posterior.noise_shape)
    assert (q.mean.std(0) > 0).all()


def test_its_variance_is_finite_and_positive_for_any_image(posterior):
    images, text = given()
    q = posterior(1e6 * images, text)
    assert torch.isfinite(q.mean).all()
    variance = q.log_variance.exp()
    assert torch.isfinite(variance).all()
    assert (variance > 0).all()


def test_a_variance_at_its_limit_can_come_back(file):
    posterior = make(file)
    images, text = given()
    for scale, sign in ((1e3, 1.0), (-1e3, -1.0)):
        torch.nn.init.constant_(posterior.from_maps.bias, scale)
        posterior.zero_grad()
        (sign * posterior(images, text).log_variance.sum()).backward()
        assert posterior.from_maps.bias.grad[SHARED["noise_width"] :].abs().min() > 0


def test_gradient_of_mean_and_variance_reaches_the_image_and_the_text(posterior):
    for name in ("mean", "log_variance"):
        images, text = given()
        images.requires_grad_()
        text.pooled.requires_grad_()
        getattr(posterior(images, text), name).sum().backward()
        assert (images.grad.flatten(1).abs().sum(1) > 0).all()
        assert (text.pooled.grad.abs().sum(1) > 0).all()


def test_gradient_reaches_every_weight(posterior):
    q = posterior(*given())
    (q.mean.sum() + q.log_variance.sum()).backward()
    assert [name for name, weight in posterior.named_parameters() if weight.grad is None] == []


def test_padding_has_no_effect(posterior):
    images, text = given()
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    expected = posterior(images, text).mean
    torch.testing.assert_close(posterior(images, longer).mean, expected, atol=1e-5, rtol=0)


def test_an_image_has_the_same_posterior_alone_and_in_a_batch(posterior):
    images, text = given()
    q = posterior(images, text)
    for row in range(3):
        alone = posterior(images[row : row + 1], text[row : row + 1])
        torch.testing.assert_close(alone.mean[0], q.mean[row], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.log_variance[0], q.log_variance[row], atol=1e-5, rtol=0)


def test_a_saved_folder_and_a_state_dict_give_the_same_gaussian(file, posterior, tmp_path):
    posterior.save_pretrained(tmp_path)
    filled, q = make(file).eval(), posterior(*given())
    torch.nn.init.zeros_(next(filled.parameters()))
    assert not torch.equal(filled(*given()).mean, q.mean)
    filled.load_state_dict(posterior.state_dict())
    for again in (PosteriorEncoder.from_pretrained(tmp_path), filled):
        assert torch.equal(again(*given()).mean, q.mean)
        assert torch.equal(again(*given()).log_variance, q.log_variance)


def test_a_wrong_size_is_a_sentence(file):
    with pytest.raises(InstantiationException, match=r"multiple of 8 .*, got \(3, 20, 20\)"):
        make(file, {"image_size": 20})


def test_every_word_is_read_and_padding_is_not(file):
    images, text = given()
    text.words.requires_grad_()
    make(file)(images, text).mean.square().sum().backward()
    assert ((text.words.grad.abs().sum(2) > 0) == text.mask).all()
