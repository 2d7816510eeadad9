"""Training of diffusion models."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.callback.checkpoint import Checkpoint
from textgan.denoiser import LowResolutionCondition, TransformerDenoiser
from textgan.diffusion import FlowDiffusion, GaussianDiffusion
from textgan.errors import ConfigError
from textgan.metric import PSNR, ShapeAlignment
from textgan.model import DiffusionModel, UpsamplerModel
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget
from textgan.training.checkpoint import load_pipeline
from textgan.training.muon import Muon

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


def made(*, latent: bool = False, **changes: object) -> DiffusionModel:
    torch.manual_seed(0)
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 32, 32), downsampling=4, latent_channels=4, **SMALL
    )
    sizes = {"text_width": 8, "width": 16, "depth": 1, "num_heads": 2}
    shape = (
        {"sample_shape": (4, 8, 8)} if latent else {"sample_shape": (3, 16, 16), "patch_size": 4}
    )
    arguments = {
        "denoiser": TransformerDenoiser(**sizes, **shape),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "diffusion": FlowDiffusion(),
        "autoencoder": autoencoder if latent else None,
        "optimizer": partial(Muon, lr=3e-3),
        "budget": Budget(total_images=40, warmup_images=4),
        "tokenizer_captions": 20,
    }
    return DiffusionModel(**{**arguments, **changes})


class Errors(pl.Callback):
    def __init__(self):
        self.values: list[float] = []

    def on_train_batch_end(self, trainer, pl_module, *_):
        self.values.append(float(trainer.callback_metrics["train/denoiser/error"]))


@pytest.mark.parametrize("diffusion", [FlowDiffusion(), GaussianDiffusion()], ids=["flow", "gauss"])
@pytest.mark.parametrize("latent", [False, True])
def test_it_learns(latent, diffusion, trainer, data):
    errors = Errors()
    model = made(
        latent=latent,
        diffusion=diffusion,
        budget=Budget(total_images=1_200, warmup_images=100),
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    sizes = {"image_size": 32} if latent else {}
    trainer(errors).fit(model, data(batch_size=12, train_size=1200, **sizes))
    assert sum(errors.values[-20:]) < 0.9 * sum(errors.values[:20])
    for name, value in model.state_dict().items():
        assert name.startswith("autoencoder.") <= torch.equal(value, before[name]), name


@pytest.mark.parametrize("precision", ["bf16-true", "bf16-mixed", "64-true"])
@pytest.mark.parametrize("diffusion", [FlowDiffusion(), GaussianDiffusion()], ids=["flow", "gauss"])
def test_it_trains_in_every_precision(diffusion, precision, trainer, data):
    model = made(latent=True, diffusion=diffusion)
    trainer(precision=precision).fit(model, data(image_size=32))
    assert all(weight.isfinite().all() for weight in model.denoiser.parameters())


def upsampler(**changes: object) -> UpsamplerModel:
    torch.manual_seed(0)
    sizes = {"text_width": 8, "width": 16, "depth": 1, "num_heads": 2, "patch_size": 4}
    arguments = {
        "denoiser": TransformerDenoiser(sample_shape=(3, 16, 16), extra_channels=3, **sizes),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "condition": LowResolutionCondition(image_size=16, factor=2, text_width=8),
        "diffusion": FlowDiffusion(),
        "optimizer": partial(Muon, lr=3e-3),
        "budget": Budget(total_images=40, warmup_images=4),
        "tokenizer_captions": 20,
    }
    return UpsamplerModel(**{**arguments, **changes})


def test_an_upsampler_learns_and_is_measured_on_images_made_small(trainer, data):
    errors = Errors()
    budget = Budget(total_images=1_200, warmup_images=100)
    model = upsampler(budget=budget, metrics={"psnr": PSNR()})
    before = {name: value.clone() for name, value in model.condition.state_dict().items()}
    run = trainer(errors, limit_val_batches=1.0)
    run.fit(model, data(batch_size=12, train_size=1200))
    assert sum(errors.values[-20:]) < 0.9 * sum(errors.values[:20])
    for name, value in model.condition.state_dict().items():
        assert not torch.equal(value, before[name]), name
    assert run.validate(model, data(), verbose=False)[0]["val/psnr"] > 0


class Crash(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        if int(pl_module.images_seen) == 20:
            raise ConnectionAbortedError("the machine is gone")


@pytest.mark.parametrize("latent", [False, True])
def test_a_resumed_run_is_bitwise_the_whole_one_and_its_checkpoint_samples(
    latent, trainer, data, tmp_path
):
    diffusion = GaussianDiffusion() if latent else FlowDiffusion()
    size = 32 if latent else 16

    def run(*callbacks: pl.Callback, **options: object) -> dict:
        model = made(latent=latent, diffusion=diffusion)
        trainer(*callbacks).fit(model, data(image_size=size), **options)
        return torch.load(tmp_path / "last.ckpt", weights_only=True)

    whole = run(Checkpoint(every_images=0))
    with pytest.raises(ConnectionAbortedError):
        run(Checkpoint(every_images=16), Crash())
    torch.manual_seed(99)
    again = {"ckpt_path": tmp_path / "last.ckpt", "weights_only": True}
    resumed = run(Checkpoint(every_images=0), **again)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, resumed["state_dict"][name]), name
    pipeline = load_pipeline(tmp_path / "last.ckpt")
    options = {"num_inference_steps": 2, "output_type": "pt"}
    assert pipeline("a large red circle", **options).images.shape == (1, 3, size, size)


def test_it_is_evaluated_by_the_metrics_of_samples(trainer, data):
    model = made(metrics={"shape_alignment": ShapeAlignment()})
    run = trainer(limit_val_batches=1.0)
    run.fit(model, data())
    assert "val/shape_alignment/all" in run.validate(model, data(), verbose=False)[0]


def test_what_does_not_fit_is_a_sentence(trainer, data):
    with pytest.raises(
        ValueError, match="denoiser must have the shape of the autoencoder's latents"
    ):
        made(autoencoder=made(latent=True).autoencoder)
    with pytest.raises(ValueError, match="text_width of the denoiser must be the text encoder's"):
        made(text_encoder=BertTextEncoder(width=12, depth=1, num_heads=2, vocab_size=270))
    with pytest.raises(ValueError, match="caption_dropout must be above 0, because samples are"):
        made(caption_dropout=0.0)
    with pytest.raises(ValueError, match="caption_dropout must be within"):
        made(caption_dropout=2.0)
    with pytest.raises(ConfigError, match=r"images must have the denoiser's shape \(3, 16, 16\)"):
        trainer().fit(made(), data(image_size=32))
