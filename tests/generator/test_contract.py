"""What every generator of `conf/generator` must do."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from textgan.generator import Generator
from textgan.types import TextFeatures

FILES = sorted((Path(__file__).parents[2] / "conf" / "generator").glob("*.yaml"))
SHARED = {"image_size": 16, "channels": 3, "text_width": 8, "noise_width": 4}


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


@pytest.mark.parametrize(("image_size", "channels"), [(16, 1), (16, 4), (32, 3), (64, 3)])
def test_it_draws_pictures_of_the_size_and_channels_that_it_states(file, image_size, channels):
    generator = make(file, {"image_size": image_size, "channels": channels})
    assert isinstance(generator, Generator)
    assert (generator.image_size, generator.channels) == (image_size, channels)
    images = generator(*given(generator))
    assert images.shape == (3, channels, image_size, image_size)
    assert images.dtype == torch.float32


def test_what_it_draws_is_within_the_range_whatever_the_noise(generator):
    noise, text = given(generator)
    images = generator(1000 * noise, text)
    assert images.abs().max() <= 1
    assert images.std() > 0


def test_gradient_reaches_the_noise_the_words_and_the_pooled_text_of_every_picture(generator):
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


def test_gradient_reaches_every_weight_from_a_picture_and_its_prior(generator):
    noise, text = given(generator)
    images, prior = generator(noise, text), generator.prior(text)
    (images * torch.randn_like(images)).sum().backward()
    if prior.mean.requires_grad:
        (prior.mean.sum() + prior.log_variance.sum()).backward()
    assert [name for name, weight in generator.named_parameters() if weight.grad is None] == []


def test_another_noise_or_another_text_is_another_picture(generator):
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


def test_padding_is_never_looked_at(generator):
    noise, text = given(generator)
    images = generator(noise, text)
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    torch.testing.assert_close(generator(noise, longer), images, atol=1e-5, rtol=0)


def test_a_picture_is_the_same_alone_and_among_others(generator):
    noise, text = given(generator)
    images = generator(noise, text)
    for row in range(3):
        alone = generator(noise[row : row + 1], text[row : row + 1])
        torch.testing.assert_close(alone[0], images[row], atol=1e-5, rtol=0)


def test_a_state_dict_brings_the_same_pictures_back(file, generator, tmp_path):
    torch.save(generator.state_dict(), tmp_path / "state.pt")
    again = make(file)
    torch.nn.init.zeros_(next(again.parameters()))
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    inputs = given(generator)
    assert torch.equal(again.eval()(*inputs), generator(*inputs))


def test_a_saved_folder_brings_the_same_pictures_back(generator, tmp_path):
    generator.save_pretrained(tmp_path)
    again = Generator.from_pretrained(tmp_path)
    inputs = given(generator)
    assert torch.equal(again(*inputs), generator(*inputs))
    assert tuple(again.noise_shape) == tuple(generator.noise_shape)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image_size": 20}, "image_size must be .*, got 20"),
        ({"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ({"num_heads": 5}, "width must be divisible by num_heads, got .* and 5"),
    ],
)
def test_wrong_arguments_are_sentences(file, changes, sentence):
    if changes.keys() <= OmegaConf.load(file).keys():
        with pytest.raises(Exception, match=sentence):
            make(file, **changes)


def test_where_it_looked_at_a_word_is_a_map_of_the_pictures_size_or_a_sentence(generator):
    noise, text = given(generator)
    try:
        looked = generator.word_attention(noise, text)
    except ValueError as error:
        assert "no attention to single words" in str(error)  # noqa: PT017
        return
    assert looked.shape == (3, 5, generator.image_size, generator.image_size)
    assert looked.min() >= 0
    assert not looked[1, 1:].any()  # padding
    torch.testing.assert_close(looked.sum(1), torch.ones_like(looked[:, 0]))
