"""A GAN whose posterior is saved inverts and edits images."""

import json
from collections.abc import Callable

import pytest
import torch
from PIL import Image

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.generator import AttentionGenerator
from textgan.image.folder import middle_square
from textgan.pipeline import Card, GANPipeline, TextToImagePipeline
from textgan.posterior import ConvolutionPosterior
from textgan.pretrained.files import read_config

CAPTIONS = ["a red circle", "a blue square"]
SMALL = {"text_width": 8, "width": 4, "max_width": 8, "noise_width": 4}
LATENT = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


def made(
    make_encoder: Callable, *, latent: bool = False, posterior: bool = True, noise_width: int = 4
) -> GANPipeline:
    """An untrained pipeline of 16 px, or of 32 px on latents, whose prior depends on the text."""
    torch.manual_seed(0)
    shape = (5, 8, 8) if latent else (3, 16, 16)
    autoencoder = None
    if latent:
        autoencoder = ConvolutionAutoencoder(
            sample_shape=(3, 32, 32), downsampling=4, latent_channels=5, **LATENT
        )
        autoencoder.latent_mean.fill_(0.2)
    generator = AttentionGenerator(sample_shape=shape, bounded=not latent, **SMALL)
    for weight in generator.text_prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    net = ConvolutionPosterior(sample_shape=shape, **SMALL | {"noise_width": noise_width})
    return GANPipeline(
        generator,
        make_encoder(CAPTIONS),
        autoencoder=autoencoder,
        posterior=net if posterior else None,
    ).eval()


@pytest.fixture(scope="module")
def pipeline(make_encoder) -> GANPipeline:
    return made(make_encoder)


def image(size: int = 16) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(3, size, size) * 2 - 1


def test_the_prior_turns_the_noise_of_an_image_into_the_mean_of_its_posterior(pipeline):
    noise = pipeline.invert(image(), "a red circle")
    assert noise.shape == (1, *pipeline.noise_shape)
    assert not noise.requires_grad
    text = pipeline.text_encoder(["a red circle"])
    mean = pipeline.posterior(image()[None], text).mean
    z = pipeline.generator.prior(text).sample(noise)
    torch.testing.assert_close(z, mean)
    assert (z - noise).abs().max() > 0.01  # the prior is not standard normal


def test_an_edit_is_the_image_of_the_same_noise_for_the_other_caption(pipeline):
    noise = pipeline.invert(image(), "a red circle")
    expected = pipeline.generate_from(noise, pipeline.encode(["a blue square"])).detach()
    (edited,) = pipeline.edit(image(), *CAPTIONS, output_type="pt").images
    torch.testing.assert_close(edited, expected[0], atol=1e-5, rtol=0)
    rebuilt = pipeline.generate_from(noise, pipeline.encode(["a red circle"])).detach()
    (same,) = pipeline.edit(image(), "a red circle", "a red circle", output_type="pt").images
    torch.testing.assert_close(same, rebuilt[0], atol=1e-5, rtol=0)
    assert (edited - same).abs().max() > 1e-3


def test_an_edit_takes_one_pass_of_the_posterior_and_one_of_the_generator(pipeline):
    calls = []
    hooks = [
        part.register_forward_hook(lambda part, *_: calls.append(type(part).__name__))
        for part in (pipeline.posterior, pipeline.generator)
    ]
    pipeline.edit(image(), *CAPTIONS)
    for hook in hooks:
        hook.remove()
    assert calls == ["ConvolutionPosterior", "AttentionGenerator"]


def test_an_edit_has_the_options_of_a_call(pipeline):
    def edited(square: torch.Tensor, **options: float) -> torch.Tensor:
        return pipeline.edit(square, *CAPTIONS, output_type="pt", **options).images

    likeliest = pipeline.generate_from(torch.zeros(1, 4), pipeline.encode(CAPTIONS[1:])).detach()
    for square in (image(), -image()):
        torch.testing.assert_close(edited(square, truncation=0.0), likeliest)
    assert not torch.equal(edited(image()), edited(-image()))
    noise = pipeline.invert(image(), CAPTIONS[0])
    guided = pipeline.generate_from(noise, pipeline.encode(CAPTIONS[1:]), 3.0).detach()
    torch.testing.assert_close(edited(image(), guidance_scale=3.0), guided, atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match=r"truncation must be in \[0, 1\], got 2"):
        edited(image(), truncation=2)


def test_captions_may_have_weighted_words(pipeline):
    weighted = pipeline.invert(image(), "a (red:3) circle")
    assert not torch.allclose(weighted, pipeline.invert(image(), "a red circle"))


def test_the_middle_square_of_a_picture_is_taken(pipeline):
    picture = Image.new("RGB", (20, 10), "red")
    picture.paste("blue", (0, 0, 5, 10))
    picture.paste("green", (8, 2, 12, 8))
    square = middle_square(picture, 16, 3)
    one, two = (pipeline.invert(each, "a") for each in (picture, square))
    torch.testing.assert_close(one, two)
    assert isinstance(pipeline.edit(picture, *CAPTIONS).images[0], Image.Image)


def test_the_posterior_of_a_latent_gan_sees_latents(make_encoder):
    pipeline = made(make_encoder, latent=True)
    latents = pipeline.autoencoder.encode(image(32)[None]).values
    text = pipeline.encode(["a red circle"])
    mean = pipeline.posterior(latents, text).mean
    z = pipeline.generator.prior(text).sample(pipeline.invert(image(32), "a red circle"))
    torch.testing.assert_close(z, mean)
    assert pipeline.edit(image(32), *CAPTIONS, output_type="pt").images.shape == (1, 3, 32, 32)


@pytest.mark.parametrize("latent", [False, True])
def test_a_saved_pipeline_edits_the_same(make_encoder, latent, tmp_path):
    pipeline = made(make_encoder, latent=latent)
    pipeline.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    square = image(pipeline.image_size)
    one, two = (p.edit(square, *CAPTIONS, output_type="pt").images for p in (pipeline, again))
    assert torch.equal(one, two)
    card = again.save_card(tmp_path, Card("a red circle"))
    count = sum(weight.numel() for weight in pipeline.parameters())
    assert f"{count:,} parameters" in card.read_text(encoding="utf-8")


def test_in_half_precision_it_edits_nearly_the_same(make_encoder):
    pipeline = made(make_encoder)
    expected = pipeline.edit(image(), *CAPTIONS, output_type="pt").images
    edited = pipeline.bfloat16().edit(image(), *CAPTIONS, output_type="pt").images
    assert edited.dtype == torch.float32
    assert 0 < (edited - expected).abs().max() < 0.15


def test_a_folder_tells_whether_its_pipeline_can_edit(make_encoder, tmp_path):
    for has_posterior in (True, False):
        folder = tmp_path / str(has_posterior)
        made(make_encoder, posterior=has_posterior).save_pretrained(folder)
        abilities = GANPipeline.abilities_of(read_config(folder))
        assert ("edit" in abilities) == has_posterior
        assert abilities == GANPipeline.from_pretrained(folder).abilities


def test_a_folder_that_was_saved_before_there_were_posteriors_is_loaded(make_encoder, tmp_path):
    made(make_encoder, posterior=False).save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["part"].pop("posterior") is None
    file.write_text(json.dumps(content), encoding="utf-8")
    assert "edit" not in GANPipeline.abilities_of(read_config(tmp_path))
    pipeline = GANPipeline.from_pretrained(tmp_path)
    assert pipeline.posterior is None
    assert pipeline("a red circle", output_type="pt").images.shape == (1, 3, 16, 16)


def test_what_does_not_fit_is_a_sentence(make_encoder, pipeline):
    without = made(make_encoder, posterior=False)
    for call in (
        lambda: without.invert(image(), "a"),
        lambda: without.edit(image(), *CAPTIONS),
    ):
        with pytest.raises(TypeError, match=r"must be trained with model\.save_posterior=true"):
            call()
    with pytest.raises(ValueError, match="image must have the shape"):
        pipeline.invert(image()[:, 1:], "a")
    with pytest.raises(ValueError, match=r"must have one noise shape, got \(5,\) and \(4,\)"):
        made(make_encoder, noise_width=5)
