"""What every generator of `conf/generator` keeps beside the contract of all networks."""

from pathlib import Path

import pytest
import torch

from textgan.generator import Generator
from textgan.types import TextFeatures

FOLDER = Path(__file__).parents[2] / "conf" / "generator"
FILES = [file for file in sorted(FOLDER.glob("*.yaml")) if "latent" not in file.stem]


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def generator(request, make_network) -> Generator:
    return make_network(request.param).eval()


def test_images_are_within_the_range_for_any_noise(generator, network_inputs):
    noise, _, text = network_inputs()
    images = generator(1000 * noise, text)
    assert images.abs().max() <= 1
    assert images.std() > 0


def test_gradient_reaches_the_words_and_not_the_padding(generator, network_inputs):
    noise, _, text = network_inputs()
    text.words.requires_grad_()
    images = generator(0.1 * noise, text)
    (images * torch.randn_like(images)).sum().backward()
    reached = text.words.grad.abs().sum(2) > 0
    assert not reached[~text.mask].any()
    assert reached[0].all()


def test_another_noise_or_another_text_gives_another_image(generator, network_inputs):
    noise, _, text = network_inputs()
    images = generator(noise, text)
    assert (generator(noise.flip(0), text) - images).abs().max() > 1e-3
    other = TextFeatures(text.words, text.mask, text.pooled.flip(0))
    assert (generator(noise, other) - images).abs().max() > 1e-3


def test_the_prior_is_the_standard_normal_one_at_first(generator, network_inputs):
    noise, _, text = network_inputs()
    prior = generator.prior(text)
    assert prior.mean.shape == noise.shape
    assert torch.equal(prior.sample(noise), noise)


def test_word_attention_is_a_distribution_over_the_words_at_each_pixel(generator, network_inputs):
    noise, _, text = network_inputs()
    if not generator.attends_words:
        with pytest.raises(ValueError, match="no attention to single words"):
            generator.word_attention(noise, text)
        return
    weights = generator.word_attention(noise, text)
    assert weights.shape == (3, 5, generator.image_size, generator.image_size)
    assert weights.min() >= 0
    assert not weights[1, 1:].any()  # padding
    torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]))


def test_a_file_of_the_group_has_attention_to_words(make_network):
    assert any(make_network(file).attends_words for file in FILES)
