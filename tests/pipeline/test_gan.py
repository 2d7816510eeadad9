import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.caption.tokenizer import _Once
from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline, TextToImagePipeline
from textgan.seed import keyed_randn

CAPTIONS = ["a red circle", "a blue square left of a green star", "two circles", "", "a star"]


@pytest.fixture(scope="module")
def pipeline(tiny_pipeline) -> GANPipeline:
    return tiny_pipeline(CAPTIONS)


@pytest.fixture
def sample(pipeline):
    """As `pipeline`, with tensors as output."""

    def call(captions=CAPTIONS, **options) -> torch.Tensor:
        return pipeline(captions, output_type="pt", **options).images

    return call


def alike(one: torch.Tensor, two: torch.Tensor) -> bool:
    """To 1 of 255, in [-1, 1]."""
    return bool((one - two).abs().max() <= 2 / 255)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_an_image_is_the_same_whatever_else_is_in_its_batch(sample, batch_size):
    assert alike(sample(batch_size=batch_size), sample())
    for index, caption in enumerate(CAPTIONS):
        alone = sample(caption, indices=[index])
        assert alike(alone[0], sample()[index])


def test_the_seed_the_index_and_the_number_of_the_image_decide_the_noise(sample):
    same = sample(["a star"] * 3, indices=[0, 1, 0], num_images_per_prompt=2)
    assert alike(same[0], same[4])
    assert alike(same[1], same[5])
    images = [same[0], same[1], same[2], same[3], sample("a star", seed=1)[0]]
    for place, one in enumerate(images):
        for other in images[place + 1 :]:
            assert (one - other).abs().max() > 0.01


def test_more_images_of_a_caption_leave_the_first_as_it_was(sample):
    few, many = sample(num_images_per_prompt=1), sample(num_images_per_prompt=3)
    assert many.shape[0] == 3 * len(CAPTIONS)
    assert alike(many[::3], few)


def test_the_global_random_state_plays_no_part_and_is_left_alone(sample):
    torch.manual_seed(1)
    first = sample()
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
    assert torch.equal(sample(), first)


def test_guidance_goes_on_from_the_empty_caption_through_the_caption(sample):
    empty = sample([""] * len(CAPTIONS))
    plain, guided = sample(guidance_scale=1.0), sample(guidance_scale=3.0)
    expected = (empty + 3 * (plain - empty)).clamp(-1, 1)
    torch.testing.assert_close(guided, expected, atol=1e-5, rtol=0)
    assert (guided - plain).abs().max() > 0.01
    assert guided.abs().max() <= 1
    assert alike(guided[3], empty[3])  # the empty caption itself
    torch.testing.assert_close(sample(guidance_scale=0.0), empty, atol=1e-5, rtol=0)


def test_guidance_goes_on_from_the_image_of_the_empty_caption_with_the_same_z(pipeline):
    pipeline = copy.deepcopy(pipeline)
    generator, encoder = pipeline.generator, pipeline.text_encoder
    for weight in generator.text_prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    nothing = encoder([""] * len(CAPTIONS))
    noise = keyed_randn([(0, i, 0) for i in range(len(CAPTIONS))], generator.noise_shape)
    z = generator.prior(encoder(CAPTIONS)).sample(noise)
    expected = generator(generator.prior(nothing).standardise(z), nothing)
    images = pipeline(CAPTIONS, guidance_scale=0.0, output_type="pt").images
    torch.testing.assert_close(images, expected.detach(), atol=1e-5, rtol=0)


def test_output_types_hold_the_same_images(pipeline, sample):
    tensors = sample()
    images, arrays = pipeline(CAPTIONS).images, pipeline(CAPTIONS, output_type="np").images
    assert tensors.shape == (5, 3, 16, 16)
    assert tensors.dtype == torch.float32
    assert arrays.shape == (5, 16, 16, 3)
    assert 0 <= arrays.min() <= arrays.max() <= 1
    np.testing.assert_allclose(arrays, (tensors.permute(0, 2, 3, 1).numpy() + 1) / 2, atol=1e-6)
    assert all(isinstance(image, Image.Image) for image in images)
    assert images[0].size == (16, 16)
    assert np.abs(np.stack([np.array(p) for p in images]) / 255 - arrays).max() <= 0.51 / 255


def test_one_string_is_one_caption_without_gradient(sample):
    images = sample("a star")
    assert images.shape == (1, 3, 16, 16)
    assert not images.requires_grad


@pytest.mark.parametrize(
    ("captions", "options", "sentence"),
    [
        ([3], {}, "captions must be strings, got int"),
        ("a", {"generator": [torch.Generator()]}, "generator must be one torch.Generator .* list"),
        (["a", "b"], {"indices": [0]}, "one for each caption, got 1 for 2"),
        ("a \ud800 star", {}, "captions must be valid Unicode"),
        ([], {}, "captions must hold at least one caption, got none"),
        ("a", {"num_images_per_prompt": 0}, "must be at least 1, got 0 and 64"),
        ("a", {"batch_size": 0}, "must be at least 1, got 1 and 0"),
        ("a", {"truncation": 1.1}, r"truncation must be in \[0, 1\], got 1.1"),
        ("a", {"seed": 0, "generator": torch.Generator()}, "seed must be left out .* got 0"),
        ("a", {"seed": 3, "generator": torch.Generator()}, "seed must be left out .* got 3"),
        ("a (red:11) star", {}, r"weight must be in \[0, 10\], got '\(red:11\)'"),
        ("a", {"output_type": "jpg"}, "output_type must be .*, got 'jpg'"),
    ],
)
def test_wrong_arguments_are_sentences(pipeline, captions, options, sentence):
    error = TypeError if "must be strings" in sentence or "list" in sentence else ValueError
    with pytest.raises(error, match=sentence):
        pipeline(captions, **options)


@pytest.mark.parametrize(
    "caption", ["", "   ", "\N{CAT FACE} \N{HOT BEVERAGE}", "一只猫", "a\tb\n"]
)
def test_any_text_is_a_caption(sample, caption):
    images = sample([caption, "a star"])
    assert images.shape == (2, 3, 16, 16)
    assert alike(images[1], sample(["a star", "a star"])[1])


def test_a_caption_of_2000_words_is_read_as_far_as_it_goes_and_that_is_said(pipeline, sample):
    pipeline = copy.deepcopy(pipeline)
    pipeline.text_encoder.tokenizer._warned = _Once()
    with pytest.warns(UserWarning, match="1 of 1 captions were cut to max_length = 64 tokens"):
        long = pipeline("star " * 2000, output_type="pt").images
    assert alike(long, sample("star " * 1000))


def test_images_that_are_not_finite_are_never_handed_out(pipeline, monkeypatch):
    def generate(captions, keys, **options):
        images = torch.zeros(len(captions), 3, 16, 16)
        images[0, 0, 0, 0] = torch.nan
        return images

    monkeypatch.setattr(pipeline, "generate", generate)
    with pytest.raises(FloatingPointError, match="2 of 3 images hold values"):
        pipeline(["a", "b", "c"], batch_size=2)


def test_a_saved_folder_samples_the_same(pipeline, sample, tmp_path):
    pipeline.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    assert torch.equal(again(CAPTIONS, output_type="pt").images, sample())


def test_a_caption_that_is_too_long_is_refused_by_every_method(pipeline, sample):
    long = "red " * 2_501
    rule = "a caption may have at most 10,000 characters, got 10,004"
    for method in (sample, pipeline.words, pipeline.attention):
        with pytest.raises(ValueError, match=rule):
            method(long)
    with pytest.raises(ValueError, match=rule):
        sample(long, weighted_words=False)
    with pytest.raises(ValueError, match=rule):
        pipeline.interpolate("a", long, frames=2)


def test_captions_of_data_are_read_as_they_stand(pipeline, sample):
    caption = "a (red:1.5) star"
    text = pipeline.text_encoder([caption])
    expected = pipeline.generate_from(pipeline.noise([(0, 0, 0)]), text).detach()
    torch.testing.assert_close(sample(caption, weighted_words=False), expected)
    assert (sample(caption) - expected).abs().max() > 0.001


def test_truncation_shrinks_the_noise_and_without_noise_there_is_one_image(pipeline, sample):
    keys = [(0, 0, 0)]
    noise, text = pipeline.noise(keys), pipeline.encode(CAPTIONS[:1])
    half = pipeline.generator(0.5 * noise, text).detach()
    torch.testing.assert_close(sample(CAPTIONS[0], truncation=0.5), half)
    none = sample(CAPTIONS[0], truncation=0, num_images_per_prompt=3)
    assert torch.equal(none[0], none[2])


def test_a_generator_gives_each_call_another_seed_and_the_same_ones_again(sample):
    generator = torch.Generator().manual_seed(4)
    first, second = sample(generator=generator), sample(generator=generator)
    assert (first - second).abs().max() > 0.01
    assert torch.equal(sample(generator=generator.manual_seed(4)), first)


def test_captions_of_one_index_share_their_noise(pipeline, sample):
    noise = pipeline.noise([(7, 0, 0)] * 2)
    expected = pipeline.generator(noise, pipeline.text_encoder(CAPTIONS[:2])).detach()
    torch.testing.assert_close(sample(CAPTIONS[:2], seed=7, indices=[0, 0]), expected)


def test_an_interpolation_starts_and_ends_at_its_captions_and_seeds(pipeline, sample):
    one, two = CAPTIONS[:2]
    options = {"output_type": "pt", "frames": 5}
    frames = pipeline.interpolate(one, two, seed=3, end_seed=4, batch_size=2, **options).images
    assert frames.shape == (5, 3, 16, 16)
    assert alike(frames[0], sample(one, seed=3)[0])
    assert alike(frames[-1], sample(two, seed=4)[0])
    words = pipeline.interpolate(one, two, seed=3, **options).images
    assert alike(words[-1], sample(two, seed=3)[0])
    noises = pipeline.interpolate(one, seed=3, end_seed=4, **options).images
    assert alike(noises[-1], sample(one, seed=4)[0])
    ends = (frames[0] - frames[-1]).abs().max()
    assert all((a - b).abs().max() < ends for a, b in pairwise(frames))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "end or end_seed must be given"),
        ({"end": "b", "frames": 1}, "frames must be at least 2.* got 1 and 64"),
        ({"end": "b", "truncation": -1}, "truncation must be in"),
    ],
)
def test_an_interpolation_without_a_way_is_refused(pipeline, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pipeline.interpolate("a", **options)


def test_attention_has_a_map_for_each_word_of_the_caption_without_its_weights(pipeline):
    found = pipeline.attention("a (blue:1.5) square, left", seed=2)
    assert [word.word for word in found] == ["a", "blue", "square,", "left"]
    assert [(word.start, word.end) for word in found] == [(0, 1), (2, 6), (7, 14), (15, 19)]
    for word in found:
        assert word.map.shape == (16, 16)
        assert word.map.min() >= 0
        assert word.map.max() == 1


def test_attention_leaves_out_words_that_were_cut_off(pipeline, make_encoder):
    encoder = make_encoder(["a"], max_length=5)
    with pytest.warns(UserWarning, match="cut to max_length"):
        found = GANPipeline(pipeline.generator, encoder).attention("a b c d e")
    assert [word.word for word in found] == ["a", "b"]


def test_attention_needs_a_generator_that_attends_to_words(make_encoder):
    generator = AttentionGenerator(
        sample_shape=(3, 16, 16), text_width=8, width=4, max_width=8, word_resolutions=()
    )
    with pytest.raises(ValueError, match="AttentionGenerator has no attention to single words"):
        GANPipeline(generator, make_encoder(["a"])).attention("a star")
