import copy

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline, TextToImagePipeline
from textgan.seed import keyed_randn
from textgan.text_encoder import BertTextEncoder

CAPTIONS = ["a red circle", "a blue square left of a green star", "two circles", "", "a star"]


@pytest.fixture(scope="module")
def pipeline() -> GANPipeline:
    torch.manual_seed(0)
    generator = AttentionGenerator(image_size=16, text_width=8, noise_width=4, width=4, max_width=8)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(CAPTIONS)
    return GANPipeline(generator, encoder).eval()


@pytest.fixture
def draw(pipeline):
    """As `pipeline`, with tensors as output."""

    def call(captions=CAPTIONS, **options) -> torch.Tensor:
        return pipeline(captions, output_type="pt", **options).images

    return call


def alike(one: torch.Tensor, two: torch.Tensor) -> bool:
    """To 1 of 255, in [-1, 1]."""
    return bool((one - two).abs().max() <= 2 / 255)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_a_picture_is_the_same_whatever_is_drawn_beside_it(draw, batch_size):
    assert alike(draw(batch_size=batch_size), draw())
    for index, caption in enumerate(CAPTIONS):
        alone = draw(caption, indices=[index])
        assert alike(alone[0], draw()[index])


def test_the_seed_the_index_and_the_number_of_the_draw_decide_the_noise(draw):
    same = draw(["a star"] * 3, indices=[0, 1, 0], num_images_per_prompt=2)
    assert alike(same[0], same[4])
    assert alike(same[1], same[5])
    pictures = [same[0], same[1], same[2], same[3], draw("a star", seed=1)[0]]
    for place, one in enumerate(pictures):
        for other in pictures[place + 1 :]:
            assert (one - other).abs().max() > 0.01


def test_more_draws_of_a_caption_leave_the_first_as_it_was(draw):
    few, many = draw(num_images_per_prompt=1), draw(num_images_per_prompt=3)
    assert many.shape[0] == 3 * len(CAPTIONS)
    assert alike(many[::3], few)


def test_the_global_random_state_plays_no_part_and_is_left_alone(draw):
    torch.manual_seed(1)
    first = draw()
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
    assert torch.equal(draw(), first)


def test_guidance_goes_on_from_the_empty_caption_through_the_caption(draw):
    empty = draw([""] * len(CAPTIONS))
    plain, guided = draw(guidance_scale=1.0), draw(guidance_scale=3.0)
    expected = (empty + 3 * (plain - empty)).clamp(-1, 1)
    torch.testing.assert_close(guided, expected, atol=1e-5, rtol=0)
    assert (guided - plain).abs().max() > 0.01
    assert guided.abs().max() <= 1
    assert alike(guided[3], empty[3])  # the empty caption itself
    torch.testing.assert_close(draw(guidance_scale=0.0), empty, atol=1e-5, rtol=0)


def test_guidance_goes_on_from_what_the_empty_caption_draws_of_the_same_z(pipeline):
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


def test_output_types_hold_the_same_pictures(pipeline, draw):
    tensors = draw()
    pictures, arrays = pipeline(CAPTIONS).images, pipeline(CAPTIONS, output_type="np").images
    assert tensors.shape == (5, 3, 16, 16)
    assert tensors.dtype == torch.float32
    assert arrays.shape == (5, 16, 16, 3)
    assert 0 <= arrays.min() <= arrays.max() <= 1
    np.testing.assert_allclose(arrays, (tensors.permute(0, 2, 3, 1).numpy() + 1) / 2, atol=1e-6)
    assert all(isinstance(picture, Image.Image) for picture in pictures)
    assert pictures[0].size == (16, 16)
    assert np.abs(np.stack([np.array(p) for p in pictures]) / 255 - arrays).max() <= 0.51 / 255


def test_one_string_is_one_caption(draw):
    assert draw("a star").shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("captions", "options", "sentence"),
    [
        ([], {}, "captions must hold at least one caption, got none"),
        ("a", {"num_images_per_prompt": 0}, "must be at least 1, got 0 and 64"),
        ("a", {"batch_size": 0}, "must be at least 1, got 1 and 0"),
        ("a", {"output_type": "jpg"}, "output_type must be .*, got 'jpg'"),
    ],
)
def test_wrong_arguments_are_sentences(pipeline, captions, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pipeline(captions, **options)


def test_indices_must_be_one_a_caption(draw):
    with pytest.raises(ValueError, match="shorter"):
        draw(["a", "b"], indices=[0])


def test_pictures_that_are_not_finite_are_never_handed_out(pipeline, monkeypatch):
    def draw(captions, keys, *, guidance_scale):
        images = torch.zeros(len(captions), 3, 16, 16)
        images[0, 0, 0, 0] = torch.nan
        return images

    monkeypatch.setattr(pipeline, "draw", draw)
    with pytest.raises(FloatingPointError, match="2 of 3 pictures hold values"):
        pipeline(["a", "b", "c"], batch_size=2)


def test_a_saved_folder_draws_the_same(pipeline, draw, tmp_path):
    pipeline.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    assert torch.equal(again(CAPTIONS, output_type="pt").images, draw())


def test_drawing_keeps_no_gradient(draw):
    assert not draw().requires_grad
