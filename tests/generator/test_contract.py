"""The contract of every generator of `conf/generator`."""

from pathlib import Path

import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from textgan.generator import Generator
from textgan.types import TextFeatures

FILES = sorted((Path(__file__).parents[2] / "conf" / "generator").glob("*.yaml"))
SHARED = {"image_size": 16, "channels": 3, "text_width": 8, "noise_width": 4}
SHAPES = [(1, 16), (4, 16), (3, 24), (3, 32), (1, 40), (3, 64), (12, 8)]  # channels, size


def make(file: Path, shared: dict | None = None, **changes) -> Generator:
    torch.manual_seed(0)
    config = OmegaConf.create({**SHARED, **(shared or {}), "part": OmegaConf.load(file)})
    return instantiate(config.part, **changes)


def given(generator: Generator, size: int = 3) -> tuple[torch.Tensor, TextFeatures]:
    torch.manual_seed(1)
    mask = torch.arange(5) < torch.tensor([5, 1, 3])[:size, None]
    words = torch.randn(size, 5, SHARED["text_width"]) * mask[..., None]
    text = TextFeatures(words, mask, torch.randn(size, SHARED["text_width"]))
    return torch.randn(size, *generator.noise_shape), text


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request) -> Path:
    return request.param


@pytest.fixture
def generator(file) -> Generator:
    return make(file).eval()


@pytest.mark.parametrize(("channels", "size"), SHAPES)
def test_its_samples_have_the_stated_shape(file, channels, size):
    bounded = {} if channels <= 4 else {"bounded": False}
    generator = make(file, {"image_size": size, "channels": channels}, **bounded)
    assert isinstance(generator, Generator)
    assert generator.sample_shape == (channels, size, size)
    assert (generator.image_size, generator.channels) == (size, channels)
    samples = generator(*given(generator))
    assert samples.shape == (3, channels, size, size)
    assert samples.dtype == torch.float32
    assert (samples.flatten(2).std(2) > 0).all()


def test_images_are_within_the_range_for_any_noise(generator):
    noise, text = given(generator)
    images = generator(1000 * noise, text)
    assert images.abs().max() <= 1
    assert images.std() > 0


def test_gradient_reaches_the_noise_the_words_and_the_pooled_text_of_every_image(generator):
    noise, text = given(generator)
    for tensor in (noise, text.words, text.pooled):
        tensor.requires_grad_()
    images = generator(0.1 * noise, text)
    (images * torch.randn_like(images)).sum().backward()
    assert (noise.grad.flatten(1).abs().sum(1) > 0).all()
    assert (text.pooled.grad.abs().sum(1) > 0).all()
    reached = text.words.grad.abs().sum(2) > 0
    assert not reached[~text.mask].any()
    assert reached[0].all()


def test_gradient_reaches_every_weight_from_an_image_and_its_prior(generator):
    noise, text = given(generator)
    images, prior = generator(noise, text), generator.prior(text)
    (images * torch.randn_like(images)).sum().backward()
    if prior.mean.requires_grad:
        (prior.mean.sum() + prior.log_variance.sum()).backward()
    assert [name for name, weight in generator.named_parameters() if weight.grad is None] == []


def test_another_noise_or_another_text_gives_another_image(generator):
    noise, text = given(generator)
    images = generator(noise, text)
    assert (generator(noise.flip(0), text) - images).abs().max() > 1e-3
    other = TextFeatures(text.words, text.mask, text.pooled.flip(0))
    assert (generator(noise, other) - images).abs().max() > 1e-3


def test_the_prior_is_the_standard_normal_one_at_first(generator):
    noise, text = given(generator)
    prior = generator.prior(text)
    assert prior.mean.shape == noise.shape
    assert torch.equal(prior.sample(noise), noise)


def test_padding_has_no_effect(generator):
    noise, text = given(generator)
    images = generator(noise, text)
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    torch.testing.assert_close(generator(noise, longer), images, atol=1e-5, rtol=0)


def test_an_image_is_the_same_alone_and_in_a_batch(generator):
    noise, text = given(generator)
    images = generator(noise, text)
    for row in range(3):
        alone = generator(noise[row : row + 1], text[row : row + 1])
        torch.testing.assert_close(alone[0], images[row], atol=1e-5, rtol=0)


def test_a_saved_folder_and_a_state_dict_give_the_same_images(file, generator, tmp_path):
    generator.save_pretrained(tmp_path)
    loaded, filled = Generator.from_pretrained(tmp_path), make(file).eval()
    torch.nn.init.zeros_(next(filled.parameters()))
    filled.load_state_dict(generator.state_dict())
    inputs = given(generator)
    for again in (loaded, filled):
        assert torch.equal(again(*inputs), generator(*inputs))
        assert again.noise_shape == generator.noise_shape
        assert again.sample_shape == generator.sample_shape


@pytest.mark.parametrize(
    ("shared", "changes", "sentence"),
    [
        ({"image_size": 20}, {}, r"image_size that is a multiple of 8 .*, got \(3, 20, 20\)"),
        ({"image_size": 264}, {}, r"image_size that is a multiple of 8 .*, got \(3, 264, 264\)"),
        ({"channels": 0}, {}, r"sample_shape must be .*, got \(0, 16, 16\)"),
        ({"channels": 2}, {}, "channels must be 1, 3 or 4 if bounded is true, got 2"),
        ({}, {"num_heads": 5}, "width must be divisible by num_heads, got .* and 5"),
        ({}, {"word_resolutions": [7]}, r"word_resolutions must be .*, got \[7\]"),
    ],
)
def test_wrong_arguments_are_sentences(file, shared, changes, sentence):
    if missing := changes.keys() - OmegaConf.load(file).keys():
        pytest.skip(f"{file.stem} has no {missing.pop()}")
    with pytest.raises(InstantiationException, match=sentence):
        make(file, shared, **changes)


def test_word_attention_is_a_distribution_over_the_words_at_each_pixel(generator):
    noise, text = given(generator)
    if not generator.attends_words:
        with pytest.raises(ValueError, match="no attention to single words"):
            generator.word_attention(noise, text)
        return
    weights = generator.word_attention(noise, text)
    assert weights.shape == (3, 5, generator.image_size, generator.image_size)
    assert weights.min() >= 0
    assert not weights[1, 1:].any()  # padding
    torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]))


def test_a_file_of_the_group_has_attention_to_words():
    assert any(make(file).attends_words for file in FILES)
