"""A GAN whose pipeline holds the posterior too."""

import pytest
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.checkpoint.reading import read_checkpoint
from textgan.cli.main import main
from textgan.generator import AttentionGenerator
from textgan.loss import KL, Reconstruction, RpGAN
from textgan.pipeline import GANPipeline
from textgan.posterior import ConvolutionPosterior
from textgan.training.checkpoint import load_pipeline

PLACE = "ema.averaged.posterior."


def image(size: int = 16) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(3, size, size) * 2 - 1


def edited(pipeline: GANPipeline) -> torch.Tensor:
    square = image(pipeline.image_size)
    return pipeline.edit(square, "a red circle", "a star", output_type="pt").images


@pytest.fixture
def vae(model):
    """A tiny VAE without a discriminator."""

    def make(**changes):
        losses = {"reconstruction": Reconstruction(), "kl": KL()}
        return model(**{"losses": losses, "discriminator": None, **changes})

    return make


def test_the_pipeline_holds_the_average_of_the_posterior(vae, fitted):
    trained = fitted(vae(save_posterior=True))
    pipeline = trained.pipeline()
    assert "edit" in pipeline.abilities
    averaged, last = pipeline.posterior.state_dict(), trained.posterior.state_dict()
    assert any(not torch.equal(value, last[name]) for name, value in averaged.items())
    start = vae(save_posterior=True).posterior.state_dict()
    moved = [name for name, value in averaged.items() if not torch.equal(value, start[name])]
    assert moved
    for name in moved:  # the average lies behind the present weights
        assert (averaged[name] - start[name]).norm() < (last[name] - start[name]).norm()
    assert "edit" not in vae().pipeline().abilities


def test_to_save_it_does_not_change_the_training(model, fitted):
    plain, saving = (fitted(model(save_posterior=each)) for each in (False, True))
    state = saving.state_dict()
    for name, value in plain.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert {name for name in state if name.startswith(PLACE)} == {*state} - {*plain.state_dict()}


def test_a_checkpoint_and_a_saved_pipeline_edit_as_the_model_does(vae, fitted, tmp_path):
    trained = fitted(vae(save_posterior=True))
    fitted.trainer.save_checkpoint(tmp_path / "last.ckpt")
    trained.pipeline().save_pretrained(tmp_path / "pipeline")
    expected = edited(trained.pipeline())
    for pipeline in (
        load_pipeline(tmp_path / "last.ckpt"),
        GANPipeline.from_pretrained(tmp_path / "pipeline"),
    ):
        torch.testing.assert_close(edited(pipeline), expected, atol=1e-5, rtol=0)


def test_the_average_may_begin_when_a_checkpoint_is_continued(vae, fitted, data, trainer, tmp_path):
    first = fitted(vae(total_images=8))
    fitted.trainer.save_checkpoint(tmp_path / "last.ckpt")
    assert not any(name.startswith(PLACE) for name in first.state_dict())
    again = {"ckpt_path": tmp_path / "last.ckpt", "weights_only": True}
    begun = vae(total_images=8, save_posterior=True)  # it is at its end, so that no step is made
    trainer().fit(begun, data(), **again)
    for name, value in first.posterior.state_dict().items():
        assert torch.equal(begun.ema.averaged["posterior"].state_dict()[name], value), name
    longer = vae(total_images=16, save_posterior=True)
    trainer().fit(longer, data(), **again)
    plain = vae(total_images=16)
    trainer().fit(plain, data(), **again)
    state = longer.state_dict()
    for name, value in plain.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_latents_are_what_the_posterior_of_a_latent_gan_sees(vae, data, trainer):
    torch.manual_seed(0)
    small = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1}
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 32, 32), downsampling=4, latent_channels=5, refine_width=4, **small
    )
    shape = {"sample_shape": (5, 8, 8), "text_width": 8, "width": 4, "max_width": 8}
    net = vae(
        generator=AttentionGenerator(**shape, noise_width=3, style_width=8, bounded=False),
        posterior=ConvolutionPosterior(**shape, noise_width=3),
        autoencoder=autoencoder,
        save_posterior=True,
    )
    trainer().fit(net, data(image_size=32))
    pipeline = net.pipeline()
    assert edited(pipeline).shape == (1, 3, 32, 32)
    latents = pipeline.autoencoder.encode(image(32)[None]).values
    text = pipeline.encode(["a star"])
    z = pipeline.generator.prior(text).sample(pipeline.invert(image(32), "a star"))
    torch.testing.assert_close(z, pipeline.posterior(latents, text).mean, atol=1e-5, rtol=1e-4)


def test_without_a_posterior_there_is_none_to_save(model):
    rule = "save_posterior needs a posterior, but posterior is null: add one, or set save_posterior"
    with pytest.raises(ValueError, match=rule):
        model(posterior=None, losses={"rpgan": RpGAN()}, save_posterior=True)


def test_the_command_line_saves_it_and_begins_with_it_later(tiny, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", *tiny, "hydra.run.dir=plain"]) == 0, capsys.readouterr().err
    assert GANPipeline.from_pretrained("plain/pipeline").posterior is None
    words = ["ckpt_path=plain/last.ckpt", "model.save_posterior=true"]
    assert main(["fit", *words, "total_images=40"]) == 0, capsys.readouterr().err
    state = read_checkpoint("plain/last.ckpt")["state_dict"]
    assert any(name.startswith(PLACE) for name in state)
    pipeline = GANPipeline.from_pretrained("plain/pipeline")
    assert "edit" in pipeline.abilities
    assert main(["save", "plain/last.ckpt", "saved"]) == 0, capsys.readouterr().err
    assert torch.equal(edited(GANPipeline.from_pretrained("saved")), edited(pipeline))
    loss = ["loss=[rpgan]", "posterior=null", "model.save_posterior=true"]
    without = [word for word in tiny if not word.startswith("model.posterior")]
    assert main(["fit", *without, *loss]) == 2
    assert "save_posterior needs a posterior, but posterior is null" in capsys.readouterr().err
