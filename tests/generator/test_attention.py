"""What AttentionGenerator makes of a prior that the text decides."""

import pytest
import torch

from textgan.generator import AttentionGenerator, Generator
from textgan.types import TextFeatures


@pytest.fixture
def text() -> TextFeatures:
    torch.manual_seed(1)
    return TextFeatures(torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool), torch.randn(3, 8))


@pytest.fixture
def generator() -> AttentionGenerator:
    torch.manual_seed(0)
    return AttentionGenerator(image_size=16, text_width=8, noise_width=4, width=4, max_width=8)


def move_prior(generator: AttentionGenerator) -> None:
    for weight in generator.text_prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)


def test_what_z_draws_does_not_depend_on_the_prior(generator, text):
    z = torch.randn(3, 4)
    images = generator(z, text)
    move_prior(generator)
    assert (generator(z, text) - images).abs().max() > 1e-3
    own = generator.prior(text).standardise(z)
    torch.testing.assert_close(generator(own, text), images, atol=1e-5, rtol=0)


def test_pictures_teach_the_prior_nothing(generator, text):
    generator(torch.randn(3, 4), text).sum().backward()
    assert all(weight.grad is None for weight in generator.text_prior.parameters())


def test_a_generator_without_a_prior_of_its_own_has_the_standard_normal_one(generator, text):
    prior, noise = Generator.prior(generator, text), torch.randn(3, 4)
    assert torch.equal(prior.sample(noise), noise)
