"""What AttentionGenerator adds to the contract: a text-conditional prior, sizes, no bound."""

import pytest
import torch

from textgan.generator import AttentionGenerator, Generator
from textgan.types import TextFeatures


@pytest.fixture
def text() -> TextFeatures:
    torch.manual_seed(1)
    return TextFeatures(torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool), torch.randn(3, 8))


def make(size: int = 16, channels: int = 3, **changes) -> AttentionGenerator:
    torch.manual_seed(0)
    widths = {"text_width": 8, "noise_width": 4, "width": 4, "max_width": 8}
    return AttentionGenerator(sample_shape=(channels, size, size), **widths, **changes)


def move_prior(generator: AttentionGenerator) -> None:
    for weight in generator.text_prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)


def test_the_image_of_a_z_does_not_depend_on_the_prior(text):
    generator, z = make(), torch.randn(3, 4)
    images = generator(z, text)
    move_prior(generator)
    assert (generator(z, text) - images).abs().max() > 1e-3
    own = generator.prior(text).standardise(z)
    torch.testing.assert_close(generator(own, text), images, atol=1e-5, rtol=0)


def test_images_do_not_train_the_prior(text):
    generator = make()
    generator(torch.randn(3, 4), text).sum().backward()
    assert all(weight.grad is None for weight in generator.text_prior.parameters())


def test_a_generator_without_a_prior_of_its_own_has_the_standard_normal_one(text):
    prior, noise = Generator.prior(make(), text), torch.randn(3, 4)
    assert torch.equal(prior.sample(noise), noise)


def test_latents_are_not_bounded_and_are_those_that_images_are_clamped_from(text):
    noise, generators = 1000 * torch.randn(3, 4), [make(8), make(8, bounded=False)]
    for generator in generators:
        generator.to_images["8"].weight.data *= 1000
    images, latents = (generator(noise, text) for generator in generators)
    assert latents.abs().max() > 2
    torch.testing.assert_close(latents.clamp(-1, 1), images)


@pytest.mark.parametrize(
    ("size", "blocks", "attentions", "word_attentions"),
    [
        (8, [4, 8], [8], [8]),
        (16, [4, 8, 16], [8], [8, 16]),
        (40, [5, 10, 20, 40], [10], [10, 20]),
        (48, [6, 12, 24, 48], [6], [6, 12]),
        (248, [31, 62, 124, 248], [31], [31]),
    ],
)
def test_its_blocks_double_up_to_the_size(size, blocks, attentions, word_attentions):
    generator = make(size)
    assert [*generator.blocks] == [*map(str, blocks)]
    assert [*generator.attentions] == [*map(str, attentions)]
    assert [*generator.word_attentions] == [*map(str, word_attentions)]
