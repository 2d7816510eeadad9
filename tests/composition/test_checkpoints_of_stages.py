"""A checkpoint of each kind of model is all that `textgan test` needs."""

from pathlib import Path

import pytest
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.cli.main import main
from textgan.diffusion import GaussianDiffusion
from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import AutoencoderPipeline, ContrastivePipeline, DiffusionPriorPipeline
from textgan.pretrained.frozen import weights_hash
from textgan.prior import DiffusionPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder

SMALL = {"width": 8, "deep_width": 8, "encoder_blocks": 1, "decoder_blocks": 1}
BASE = [
    *("data=shapes", "data.batch_size=8", "data.val_size=4", "data.test_size=4"),
    *("image_size=32", "total_images=16", "text_width=16", "trainer.enable_model_summary=false"),
]
TEXT = ["model.text_encoder.depth=1", "model.text_encoder.num_heads=2"]
TINY = ["width=24", "depth=1", "num_heads=2"]
RUNS = {
    "token_prior": [*TEXT, *(f"model.prior.{size}" for size in TINY)],
    "latent_gan": [*TEXT, "model.generator.width=16", "model.generator.max_width=16"],
    "latent_diffusion": [*TEXT, *(f"model.denoiser.{size}" for size in TINY)],
    "diffusion_prior": [f"model.prior.{size}" for size in TINY],
    "latent_unclip": [*TEXT, *(f"model.denoiser.{size}" for size in TINY)],
    "upsampler": [*TEXT, *(f"model.denoiser.{size}" for size in TINY)],
    "autoencoder optimizer=muon": [
        *("model.autoencoder.width=8", "model.autoencoder.deep_width=8"),
        *("quantizer=fsq", "loss=[reconstruction_plain]"),
    ],
}


@pytest.fixture
def autoencoder(tmp_path) -> Path:
    """The folder of a tiny discrete autoencoder."""
    torch.manual_seed(0)
    net = ConvolutionAutoencoder(
        sample_shape=(3, 32, 32), downsampling=4, quantizer=FSQ(levels=(4, 4)), **SMALL
    )
    AutoencoderPipeline(net).eval().save_pretrained(tmp_path / "AE")
    return tmp_path / "AE"


@pytest.fixture
def encoders(tmp_path) -> Path:
    """The folder of a tiny contrastive model."""
    torch.manual_seed(0)
    encoder = BertTextEncoder(width=16, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle", "a blue square"])
    image_encoder = ResNetImageEncoder(image_size=32, width=16, base_width=4, max_width=8)
    ContrastivePipeline(image_encoder, encoder).eval().save_pretrained(tmp_path / "CLIP")
    return tmp_path / "CLIP"


@pytest.fixture
def prior(encoders) -> Path:
    """The folder of a tiny diffusion prior for it."""
    embedder = ContrastivePipeline.from_pretrained(encoders)
    net = DiffusionPrior(
        16,
        16,
        weights_hash(embedder),
        diffusion=GaussianDiffusion(prediction="sample"),
        width=24,
        depth=1,
        num_heads=2,
    )
    DiffusionPriorPipeline(net, embedder).eval().save_pretrained(encoders.parent / "PRIOR")
    return encoders.parent / "PRIOR"


@pytest.mark.parametrize("model", RUNS)
def test_a_checkpoint_is_tested_without_its_command(
    model, autoencoder, encoders, prior, capsys, monkeypatch
):
    if "diffusion" in model or model in ("latent_unclip", "upsampler"):
        pytest.importorskip("diffusers", reason="needs textgan[diffusion]")
    monkeypatch.chdir(autoencoder.parent)
    words = [f"model={model.split()[0]}", *model.split()[1:], *BASE, *RUNS[model]]
    if model in ("token_prior", "latent_gan", "latent_diffusion", "latent_unclip"):
        words.append(f"autoencoder={autoencoder}")
    if model in ("diffusion_prior", "latent_unclip"):
        words.append(f"encoders={encoders}")
    if model == "latent_unclip":
        words.append(f"prior={prior}")
    assert main(["fit", *words, "hydra.run.dir=run"]) == 0, capsys.readouterr().err
    metrics = {
        "diffusion_prior": "[]",
        "upsampler": "[psnr]",
        "autoencoder optimizer=muon": "[psnr]",
    }
    metric = metrics.get(model, "[sharpness]")
    again = ["ckpt_path=run/last.ckpt", f"metric={metric}", "hydra.run.dir=test"]
    assert main(["test", *again]) == 0, capsys.readouterr().err
    assert Path("test/evaluation.json").is_file()
