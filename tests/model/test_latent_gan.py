"""The GAN on the latents of an autoencoder."""

import pytest
import pytorch_lightning as pl
import torch
import yaml
from hydra.utils import instantiate

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.callback.checkpoint import Checkpoint
from textgan.cli.main import main
from textgan.discriminator import (
    LatentAndImageDiscriminator,
    PatchDiscriminator,
    ProjectedDiscriminator,
    ProjectionDiscriminator,
    TransformerDiscriminator,
)
from textgan.errors import ConfigError
from textgan.generator import AttentionGenerator, TransformerGenerator
from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import AutoencoderPipeline, TextToImagePipeline
from textgan.posterior import ConvolutionPosterior
from textgan.quantizer import FSQ
from textgan.training.checkpoint import load_pipeline
from textgan.types import TextFeatures

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}
LATENT = {"sample_shape": (5, 8, 8), "text_width": 8, "width": 4, "max_width": 8}


def autoencoder(**changes: object) -> ConvolutionAutoencoder:
    torch.manual_seed(0)
    arguments = {"sample_shape": (3, 32, 32), "downsampling": 4, "latent_channels": 5, **SMALL}
    net = ConvolutionAutoencoder(**{**arguments, **changes})
    net.latent_mean.fill_(0.2)
    return net


@pytest.fixture
def latent(model):
    """A tiny GAN on latents of 5 x 8 x 8."""

    def make(**changes: object):
        torch.manual_seed(0)
        generator = {"noise_width": 3, "style_width": 8, "word_resolutions": [8]}
        parts = {
            "generator": AttentionGenerator(**LATENT, **generator, bounded=False),
            "discriminator": ProjectionDiscriminator(**LATENT),
            "posterior": ConvolutionPosterior(**LATENT, noise_width=3),
            "autoencoder": autoencoder(),
        }
        return model(**{**parts, **changes})

    return make


@pytest.fixture
def scenes(data):
    return lambda: data(image_size=32)


def test_all_parts_see_latents_and_the_pipeline_gives_images(latent, scenes, trainer):
    net = latent()
    before = {name: value.clone() for name, value in net.autoencoder.state_dict().items()}
    trainer().fit(net, scenes())
    for name, value in net.autoencoder.state_dict().items():
        assert torch.equal(value, before[name]), name
    pipeline = net.pipeline()
    images = pipeline(["a red circle", "a star"], output_type="pt").images
    assert images.shape == (2, 3, 32, 32)
    assert images.abs().max() <= 1
    assert (pipeline.image_size, pipeline.channels) == (32, 3)
    noise, text = pipeline.noise([(0, 0, 0)]), pipeline.encode(["a red circle"])
    decoded = pipeline.autoencoder.decode(pipeline.generator(noise, text))
    torch.testing.assert_close(decoded, images[:1], atol=1e-5, rtol=0)
    guided = pipeline("a star", guidance_scale=3.0, output_type="pt").images
    assert not torch.allclose(guided, pipeline("a star", output_type="pt").images)
    (word, *_) = pipeline.attention("a red circle")
    assert word.map.shape == (32, 32)


def test_transformers_on_the_positions_of_latents(latent, scenes, trainer):
    sizes = {"sample_shape": (5, 8, 8), "text_width": 8, "width": 12, "depth": 2, "num_heads": 2}
    net = latent(
        generator=TransformerGenerator(**sizes, noise_width=3, style_width=8, bounded=False),
        discriminator=TransformerDiscriminator(**sizes),
    )
    trainer().fit(net, scenes())
    assert net.pipeline()("a star", output_type="pt").images.shape == (1, 3, 32, 32)


def text_of_one() -> TextFeatures:
    return TextFeatures(torch.zeros(1, 2, 8), torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 8))


def both(**changes: object) -> LatentAndImageDiscriminator:
    torch.manual_seed(1)
    image = {"sample_shape": (3, 32, 32), "text_width": 8, "width": 4, "max_width": 8}
    parts = {
        "latent": ProjectionDiscriminator(**LATENT),
        "image": ProjectionDiscriminator(**image, unconditional=True),
        "autoencoder": autoencoder(),
    }
    return LatentAndImageDiscriminator(**{**parts, **changes})


def test_a_second_discriminator_sees_the_decoded_images(network_inputs):
    net, (_, _, text) = both().eval(), network_inputs()
    latents = torch.randn(3, 5, 8, 8)
    out = net(latents, text)
    one = net.latent(latents, text)
    other = net.image(net.autoencoder.net.decode(latents), text)
    expected = torch.cat([one.logits, other.logits], 1)  # the last one is that of the image alone
    torch.testing.assert_close(out.logits, expected)
    assert out.text_logits == 2
    assert out.pooled.shape == out.text.shape == (3, 16)
    latents.requires_grad_()
    net(latents, text).logits[:, 1].sum().backward()
    assert latents.grad.abs().sum() > 0  # through the decoder
    assert not any("autoencoder" in name for name in net.state_dict())
    again = both()
    again.load_state_dict(net.state_dict())
    other = both(autoencoder=autoencoder(width=12))
    with pytest.raises(ValueError, match="autoencoder must be the net that the discriminator was"):
        other.load_state_dict(net.state_dict())
    with pytest.raises(ValueError, match="latent and image must both read the text, or both not"):
        both(image=PatchDiscriminator(sample_shape=(3, 32, 32)))
    image = {"text_width": 8, "width": 4, "max_width": 8}
    with pytest.raises(ValueError, match=r"image must be built for the shape \(3, 32, 32\), got"):
        both(image=ProjectionDiscriminator(sample_shape=(3, 16, 16), **image))


def test_the_discriminator_of_images_may_see_through_a_pretrained_encoder(latent):
    widths = {"width": 8, "base_width": 4, "max_width": 8}
    encoder = ResNetImageEncoder(image_size=32, channels=3, **widths)
    image = ProjectedDiscriminator(image_encoder=encoder, text_width=8, width=4, pixel_width=0)
    latent(discriminator=both(image=image))
    with pytest.raises(ValueError, match="must have the same channels, got 3 and 5"):
        latent(discriminator=image)


def test_a_gan_trains_against_both(latent, scenes, trainer):
    net = latent(discriminator=both(), discriminator_start=0.0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    trainer().fit(net, scenes())
    moved = [n for n, value in net.state_dict().items() if not torch.equal(value, before[n])]
    for part in ("discriminator.latent.", "discriminator.image.", "generator."):
        assert any(name.startswith(part) for name in moved), part
    assert not any(name.startswith("autoencoder.") for name in moved)


def test_a_discrete_autoencoder_has_latents_too(latent, scenes, trainer):
    quantizer = FSQ(levels=(4, 4, 4, 4, 4))
    trainer().fit(latent(autoencoder=autoencoder(quantizer=quantizer)), scenes())


class Crash(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        if int(pl_module.images_seen) == 12:
            raise ConnectionAbortedError("the machine is gone")


def test_a_resumed_run_is_bitwise_the_whole_one_and_its_checkpoint_samples(
    latent, scenes, trainer, tmp_path
):
    def run(*callbacks: pl.Callback, **options: object) -> dict:
        trainer(*callbacks).fit(latent(), scenes(), **options)
        return torch.load(tmp_path / "last.ckpt", weights_only=True)

    whole = run(Checkpoint(every_images=0))
    with pytest.raises(ConnectionAbortedError):
        run(Checkpoint(every_images=8), Crash())
    again = {"ckpt_path": tmp_path / "last.ckpt", "weights_only": True}
    resumed = run(Checkpoint(every_images=0), **again)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, resumed["state_dict"][name]), name
    pipeline = load_pipeline(tmp_path / "last.ckpt")
    pipeline.save_pretrained(tmp_path / "saved")
    other = TextToImagePipeline.from_pretrained(tmp_path / "saved")
    one, two = (p("a star", output_type="pt").images for p in (pipeline, other))
    assert torch.equal(one, two)


def test_what_does_not_fit_is_a_sentence(latent, scenes, data, trainer):
    rule = r"generator must make the autoencoder's latents, \(12, 8, 8\), with bounded=false"
    with pytest.raises(ValueError, match=rule):
        latent(autoencoder=autoencoder(latent_channels=12))
    rule = r"discriminator must be built for the autoencoder's latents, \(5, 8, 8\), got \(3, 32"
    images = {"sample_shape": (3, 32, 32), "text_width": 8, "width": 4, "max_width": 8}
    with pytest.raises(ValueError, match=rule):
        latent(discriminator=ProjectionDiscriminator(**images))
    with pytest.raises(ValueError, match="posterior must be built for the autoencoder's latents"):
        latent(posterior=ConvolutionPosterior(**images, noise_width=3))
    with pytest.raises(ValueError, match="generator must have bounded=true"):
        latent(autoencoder=None)
    with pytest.raises(ConfigError, match="image_size must be that of the autoencoder, 32, got"):
        trainer().fit(latent(), data(image_size=64))


def test_the_composition_has_the_shape_of_the_latents(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    AutoencoderPipeline(autoencoder()).save_pretrained("RUN/pipeline")
    words = ["model=latent_gan", "autoencoder=RUN/pipeline", "image_size=32"]
    assert main(["fit", *words, "--cfg", "job", "--resolve"]) == 0
    model = yaml.safe_load(capsys.readouterr().out)["model"]
    for part in ("generator", "discriminator", "posterior"):
        assert model[part]["sample_shape"] == [5, 8, 8]
    assert model["generator"]["bounded"] is False
    others = ["generator=transformer_latent", "discriminator=transformer_latent", "posterior=null"]
    assert main(["fit", *words, *others, "--cfg", "job", "--resolve"]) == 0
    model = yaml.safe_load(capsys.readouterr().out)["model"]
    assert model["generator"]["patch_size"] == 1
    for part in ("generator", "discriminator"):
        assert model[part]["sample_shape"] == [5, 8, 8]
    assert "posterior" not in model
    second = ["discriminator=latent_and_image", "text_width=8", "noise_width=3"]
    assert main(["fit", *words, *second, "--cfg", "job", "--resolve"]) == 0
    composed = yaml.safe_load(capsys.readouterr().out)["model"]["discriminator"]
    net = instantiate(composed, _convert_="all")
    assert net(torch.zeros(1, 5, 8, 8), text_of_one()).logits.shape == (1, 2)
    assert main(["fit", "model=latent_gan"]) == 2
    assert "autoencoder must be given, as in autoencoder=" in capsys.readouterr().err
