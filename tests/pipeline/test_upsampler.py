"""Larger images from small ones, and cascades."""

import pytest
import torch
from PIL import Image

from textgan.denoiser import LowResolutionCondition, TransformerDenoiser, UNetDenoiser
from textgan.diffusion import FlowDiffusion, GaussianDiffusion
from textgan.evaluation.runner import by_upsampling
from textgan.pipeline import CascadePipeline, TextToImagePipeline, UpsamplerPipeline
from textgan.pipeline.base import Pipeline
from textgan.pipeline.option import Option
from textgan.seed import keyed_randn
from textgan.text_encoder import BertTextEncoder
from textgan.types import Batch

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

CAPTIONS = ["a red circle", "a blue square"]
STEPS = {"num_inference_steps": 3}


def made(size: int = 16, *, with_unet: bool = False, **changes: object) -> UpsamplerPipeline:
    torch.manual_seed(0)
    shape = {"sample_shape": (3, size, size), "text_width": 8, "extra_channels": 3}
    if with_unet:
        denoiser = UNetDenoiser(**shape, widths=(8, 8), num_heads=2)
    else:
        denoiser = TransformerDenoiser(**shape, width=16, depth=1, num_heads=2, patch_size=4)
    for weight in denoiser.parameters():  # gates and the last layer start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(CAPTIONS)
    condition = LowResolutionCondition(image_size=size, factor=2, text_width=8)
    parts = {"diffusion": FlowDiffusion(), "condition": condition} | changes
    return UpsamplerPipeline(denoiser, encoder, **parts).eval()


def small(count: int = 2) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(count, 3, 8, 8) * 2 - 1


@pytest.mark.parametrize("diffusion", [FlowDiffusion(), GaussianDiffusion()])
def test_an_image_depends_on_its_small_one_its_caption_and_its_key(diffusion):
    pipeline = made(diffusion=diffusion)

    def drawn(images: torch.Tensor, captions: object, **options: object) -> torch.Tensor:
        return pipeline.upsample(images, captions, output_type="pt", **(STEPS | options)).images

    two = drawn(small(), CAPTIONS)
    assert two.shape == (2, 3, 16, 16)
    torch.testing.assert_close(drawn(small()[:1], CAPTIONS[0]), two[:1], atol=1e-4, rtol=0)
    for other in (
        drawn(small().flip(0), CAPTIONS),
        drawn(small(), CAPTIONS[::-1]),
        drawn(small(), CAPTIONS, seed=1),
        drawn(small(), CAPTIONS, noise_level=0.9),
        drawn(small(), CAPTIONS, guidance_scale=5.0),
        drawn(small(), CAPTIONS, num_inference_steps=4),
    ):
        assert (other - two).abs().max() > 1e-4


def test_the_unet_sees_small_images_too():
    pipeline = made(with_unet=True)
    one = pipeline.upsample(small(), "x", output_type="pt", **STEPS).images
    two = pipeline.upsample(small().flip(0), "x", output_type="pt", **STEPS).images
    assert (one - two).abs().max() > 1e-4


def test_the_condition_by_hand():
    condition = LowResolutionCondition(image_size=4, factor=2, text_width=8)
    images = torch.tensor([[[[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, -1, -1], [0, 0, -1, -1]]]])
    reduced = condition.reduced(images)
    assert reduced.shape == (1, 1, 2, 2)
    assert reduced[0, 0, 0, 0] > reduced[0, 0, 0, 1] > reduced[0, 0, 1, 1]
    text = made().text_encoder(["a red circle"])
    values, noise = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    seen, told = condition(values, text, reduced, noise, torch.tensor([0.25]))
    expected = 0.75 * condition.enlarged(reduced) + 0.25
    torch.testing.assert_close(seen, torch.cat([values, expected], 1))
    _, other = condition(values, text, reduced, noise, torch.tensor([0.5]))
    assert not torch.equal(told.pooled, other.pooled)
    assert torch.equal(told.words, text.words)


def test_pictures_of_pil():
    picture = Image.new("RGB", (30, 20), "red")
    assert made().upsample([picture], **STEPS).images[0].size == (16, 16)


def test_a_reconstruction_is_the_large_image_of_the_small_version():
    pipeline = made()
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    small = pipeline.condition.reduced(images)
    expected = pipeline.upsample(small, CAPTIONS, output_type="pt").images
    torch.testing.assert_close(pipeline.reconstruct(images, CAPTIONS), expected)


def test_an_evaluation_does_not_depend_on_the_batch_size_but_on_seed_index_and_draw():
    sample = by_upsampling(made())
    images = (torch.rand(1, 3, 16, 16) * 2 - 1).expand(3, -1, -1, -1)

    def drawn(*indices: int, number: int = 2, seed: int = 5) -> torch.Tensor:
        batch = Batch(images[: len(indices)], ["a"] * len(indices), torch.tensor(indices))
        return sample(batch, number, seed)

    together = drawn(4, 7, 9)
    assert together.shape == (6, 3, 16, 16)
    for row, index in enumerate((4, 7, 9)):
        alone = drawn(index)
        torch.testing.assert_close(alone, together[2 * row : 2 * row + 2], atol=1e-4, rtol=0)
    torch.testing.assert_close(drawn(7, number=1), together[2:3], atol=1e-4, rtol=0)
    flat = together.flatten(1)
    distances = torch.cdist(flat, flat) + torch.eye(6)
    assert distances.min() > 1e-2  # one image and caption, and six noises
    assert (drawn(4, 7, 9, seed=6) - together).abs().max() > 1e-2


def test_more_images_than_a_batch_have_their_own_captions():
    pipeline = made()
    images, captions = small(3), ["a red circle", "a blue square", "x"]
    options = {"output_type": "pt", **STEPS}
    together = pipeline.upsample(images, captions, **options).images
    parts = pipeline.upsample(images, captions, batch_size=2, **options).images
    torch.testing.assert_close(parts, together, atol=1e-4, rtol=0)


def test_one_image_needs_no_list():
    pipeline = made()
    options = {"output_type": "pt", **STEPS}
    expected = pipeline.upsample(small()[:1], "x", **options).images
    assert torch.equal(pipeline.upsample(small()[0], "x", **options).images, expected)
    picture = Image.new("RGB", (30, 20), "red")
    one, two = (pipeline.upsample(given, **options).images for given in (picture, [picture]))
    assert one.shape == (1, 3, 16, 16)
    assert torch.equal(one, two)


class Small(TextToImagePipeline):
    """Draws 8 x 8 pixels, which follow from the key and the contrast."""

    channels, image_size = 3, 8

    options = (Option("contrast", float, 1.0, "of the image"),)

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def generate(self, captions, keys, *, contrast: float = 1.0):
        return torch.stack([torch.full((3, 8, 8), contrast * (key[2] % 3 - 1)) for key in keys])


def test_a_cascade_draws_large_images_of_captions_and_can_be_part_of_another():
    cascade = CascadePipeline(Small(), made())
    images = cascade(CAPTIONS, num_images_per_prompt=2, output_type="pt").images
    assert images.shape == (4, 3, 16, 16)
    assert (images[0] - images[1]).abs().max() > 1e-3
    less = cascade(CAPTIONS, num_images_per_prompt=2, output_type="pt", contrast=0.5).images
    assert not torch.equal(less, images)
    alone = cascade(CAPTIONS[1], indices=[1], output_type="pt").images
    torch.testing.assert_close(alone[0], images[2], atol=1e-4, rtol=0)
    larger = CascadePipeline(cascade, made(32))
    assert larger("a red circle", output_type="pt").images.shape == (1, 3, 32, 32)
    assert (larger.image_size, larger.channels, larger.is_fitted) == (32, 3, True)


def test_a_cascade_has_the_options_of_every_stage():
    cascade = CascadePipeline(CascadePipeline(Small(), made()), made(32))
    assert [option.name for option in cascade.options] == [
        "contrast",
        "upsampler_16_num_inference_steps",
        "upsampler_16_guidance_scale",
        "upsampler_16_noise_level",
        "upsampler_32_num_inference_steps",
        "upsampler_32_guidance_scale",
        "upsampler_32_noise_level",
    ]
    few = {f"upsampler_{size}_num_inference_steps": 2 for size in (16, 32)}

    def drawn(**options: float) -> torch.Tensor:
        return cascade("a red circle", output_type="pt", **few | options).images

    plain = drawn()
    by_hand = Small().generate(["a red circle"], [(0, 0, 0)])
    for upsampler in (cascade.small.upsampler, cascade.upsampler):
        by_hand = upsampler.generate(by_hand, ["a red circle"], [(0, 0, 0)], num_inference_steps=2)
    assert torch.equal(plain, by_hand)
    for option in cascade.options:
        other = 3 if option.kind is int else 0.5
        assert not torch.equal(drawn(**{option.name: other}), plain), option.name
    with pytest.raises(ValueError, match=r"upsampler_16_noise_level must be in \[0, 1\], got 2"):
        drawn(upsampler_16_noise_level=2)
    with pytest.raises(TypeError, match="upsampler_64_noise_level"):
        drawn(upsampler_64_noise_level=0.5)


def test_no_two_stages_of_a_cascade_have_the_same_noise(monkeypatch):
    seen = []

    def randn(keys: list, shape: tuple[int, ...]) -> torch.Tensor:
        seen.extend(keys)
        return keyed_randn(keys, shape)

    monkeypatch.setattr("textgan.pipeline.upsampler.keyed_randn", randn)
    cascade = CascadePipeline(CascadePipeline(Small(), made()), made(32))
    cascade(CAPTIONS)
    assert len(seen) == len(set(seen)) == 4


def test_a_saved_cascade_is_the_same(tiny_pipeline, tmp_path):
    cascade = CascadePipeline(tiny_pipeline(CAPTIONS), made(32))
    cascade = CascadePipeline(cascade, made(64)).eval()
    cascade.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    assert [type(stage).__name__ for stage in again.stages] == [
        "GANPipeline",
        "UpsamplerPipeline",
        "UpsamplerPipeline",
    ]
    one, two = (p("a red circle", output_type="pt").images for p in (cascade, again))
    assert torch.equal(one, two)


@pytest.mark.parametrize("with_unet", [False, True])
def test_in_half_precision_it_draws_nearly_the_same(with_unet):
    pipeline, options = made(with_unet=with_unet), {"guidance_scale": 2.0, **STEPS}
    expected = pipeline.upsample(small(), CAPTIONS, output_type="pt", **options).images
    pipeline.bfloat16()
    images = pipeline.upsample(small(), CAPTIONS, output_type="pt", **options).images
    assert images.dtype == torch.float32
    assert 0 < (images - expected).abs().max() < 0.1


def test_a_saved_upsampler_is_the_same(tmp_path):
    pipeline = made()
    pipeline.save_pretrained(tmp_path)
    again = Pipeline.from_pretrained(tmp_path)
    one, two = (p.upsample(small(), output_type="pt", **STEPS).images for p in (pipeline, again))
    assert torch.equal(one, two)


def test_what_does_not_fit_is_a_sentence():
    pipeline = made()
    with pytest.raises(ValueError, match="images must have the shape"):
        pipeline.upsample(torch.zeros(1, 3, 9, 9))
    for nothing in ([], small()[:0]):
        with pytest.raises(ValueError, match="images must hold at least one image, got none"):
            pipeline.upsample(nothing)
    for wrong in (small() * 255, small().byte(), small() * torch.nan):
        with pytest.raises(ValueError, match=r"images must have numbers in \[-1, 1\]"):
            pipeline.upsample(wrong)
    with pytest.raises(ValueError, match="captions must be one for all images or one for each"):
        pipeline.upsample(small(), ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"captions must be one for all .* or one for each, got 1"):
        pipeline.reconstruct(torch.zeros(2, 3, 16, 16), ["a"])
    with pytest.raises(ValueError, match="indices must be one for each caption, got 1 for 2"):
        pipeline.reconstruct(torch.zeros(2, 3, 16, 16), indices=[4])
    with pytest.raises(ValueError, match="noise_level must be"):
        pipeline.upsample(small(), noise_level=2.0)
    with pytest.raises(ValueError, match="upsampler must take images of 3 channels and 8 pixels"):
        CascadePipeline(Small(), made(32))
    with pytest.raises(ValueError, match="factor must be at least 2 and divide the image size 16"):
        LowResolutionCondition(image_size=16, factor=3, text_width=8)
    other = LowResolutionCondition(image_size=32, factor=2, text_width=8)
    with pytest.raises(ValueError, match="image_size of the condition must be the denoiser's, 16"):
        made(condition=other)
    plain = TransformerDenoiser(
        sample_shape=(3, 16, 16), text_width=8, width=16, depth=1, num_heads=2
    )
    with pytest.raises(ValueError, match="extra_channels of the denoiser must be 3, for small"):
        UpsamplerPipeline.check(plain, pipeline.condition)
