"""Training of the prior and of the decoder of DALL-E 2."""

from collections.abc import Callable
from functools import partial

import pytest
import pytorch_lightning as pl
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.callback.checkpoint import Checkpoint
from textgan.denoiser import EmbeddingCondition, TransformerDenoiser
from textgan.diffusion import FlowDiffusion, GaussianDiffusion
from textgan.image_encoder import ResNetImageEncoder
from textgan.metric import ShapeAlignment
from textgan.model import DiffusionPriorModel, UnclipModel
from textgan.pipeline import ContrastivePipeline
from textgan.prior import DiffusionPrior
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget
from textgan.training.checkpoint import load_pipeline
from textgan.training.latents import FrozenEncoding
from textgan.training.muon import Muon

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

CAPTIONS = ["a red circle", "a blue square left of a green star"]
SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}
SIZES = {"width": 16, "depth": 1, "num_heads": 2}


@pytest.fixture
def embedder() -> ContrastivePipeline:
    torch.manual_seed(1)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(CAPTIONS)
    image_encoder = ResNetImageEncoder(
        image_size=16, channels=3, width=8, base_width=4, max_width=8
    )
    return ContrastivePipeline(image_encoder, encoder).eval()


def prior_of(*given: int | str) -> DiffusionPrior:
    diffusion = GaussianDiffusion(prediction="sample", min_snr=None)
    return DiffusionPrior(*given, diffusion=diffusion, **SIZES)


def prior_model(embedder: ContrastivePipeline, **changes: object) -> DiffusionPriorModel:
    torch.manual_seed(0)
    arguments = {
        "prior": prior_of,
        "embedder": embedder,
        "optimizer": partial(torch.optim.AdamW, lr=3e-3),
        "budget": Budget(total_images=40, warmup_images=4),
    }
    return DiffusionPriorModel(**{**arguments, **changes})


def unclip(
    embedder: ContrastivePipeline, *, latent: bool = False, **changes: object
) -> UnclipModel:
    torch.manual_seed(0)
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 32, 32), downsampling=4, latent_channels=4, **SMALL
    )
    shape = (
        {"sample_shape": (4, 8, 8)} if latent else {"sample_shape": (3, 16, 16), "patch_size": 4}
    )
    arguments = {
        "denoiser": TransformerDenoiser(text_width=8, **SIZES, **shape),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "condition": partial(EmbeddingCondition, text_width=8, num_words=2),
        "diffusion": FlowDiffusion(),
        "embedder": embedder,
        "autoencoder": autoencoder if latent else None,
        "optimizer": partial(Muon, lr=3e-3),
        "budget": Budget(total_images=40, warmup_images=4),
        "tokenizer_captions": 20,
    }
    return UnclipModel(**{**arguments, **changes})


class Errors(pl.Callback):
    def __init__(self, name: str):
        self.name, self.values = name, []

    def on_train_batch_end(self, trainer, pl_module, *_):
        self.values.append(float(trainer.callback_metrics[self.name]))


def test_the_prior_learns_and_moves_nothing_else(embedder, trainer, data):
    errors = Errors("train/prior/error")
    model = prior_model(embedder, budget=Budget(total_images=1_200, warmup_images=100))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer(errors).fit(model, data(batch_size=12, train_size=1200))
    assert sum(errors.values[-20:]) < 0.8 * sum(errors.values[:20])
    for name, value in model.state_dict().items():
        assert name.startswith("embedder.") <= torch.equal(value, before[name]), name


def test_the_prior_is_evaluated_against_the_embeddings_of_images(embedder, trainer, data):
    model = prior_model(embedder)
    run = trainer(limit_val_batches=1.0)
    run.fit(model, data())
    (found,) = run.validate(model, data(), verbose=False)
    for name in ("cosine/prior", "cosine/text", "cosine/other"):
        assert -1 <= found[f"val/{name}"] <= 1
    assert 0 <= found["val/retrieval/text_to_image_r1"] <= 1


@pytest.mark.parametrize("latent", [False, True])
def test_the_decoder_learns_with_its_condition(latent, embedder, trainer, data):
    errors = Errors("train/denoiser/error")
    budget = Budget(total_images=1_200, warmup_images=100)
    model = unclip(embedder, latent=latent, budget=budget)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    sizes = {"image_size": 32} if latent else {}
    trainer(errors).fit(model, data(batch_size=12, train_size=1200, **sizes))
    assert sum(errors.values[-20:]) < 0.95 * sum(errors.values[:20])
    for name, value in model.state_dict().items():
        frozen = name.startswith(("autoencoder.", "embedder."))
        assert frozen <= torch.equal(value, before[name]), name
    for name, value in model.condition.state_dict().items():
        assert not torch.equal(value, before[f"condition.{name}"]), name


class Crash(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        if int(pl_module.images_seen) == 20:
            raise ConnectionAbortedError("the machine is gone")


@pytest.mark.parametrize("kind", ["prior", "pixels", "latents"])
def test_a_resumed_run_is_bitwise_the_whole_one_and_its_checkpoint_loads(
    kind, embedder, trainer, data, tmp_path
):
    size = 32 if kind == "latents" else 16

    def model() -> pl.LightningModule:
        if kind == "prior":
            return prior_model(embedder)
        trained = prior_model(embedder).prior
        return unclip(embedder, latent=kind == "latents", prior=trained)

    def run(*callbacks: pl.Callback, **options: object) -> dict:
        trainer(*callbacks).fit(model(), data(image_size=size), **options)
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
    if kind == "prior":
        assert pipeline.embed("a red circle").shape == (1, embedder.image_encoder.width)
    else:
        options = {"num_inference_steps": 2, "output_type": "pt"}
        assert pipeline("a red circle", **options).images.shape == (1, 3, size, size)


def test_the_decoder_is_evaluated_by_the_metrics_of_samples(embedder, trainer, data):
    model = unclip(embedder, metrics={"shape_alignment": ShapeAlignment()})
    run = trainer(limit_val_batches=1.0)
    run.fit(model, data())
    assert "val/shape_alignment/all" in run.validate(model, data(), verbose=False)[0]


def test_the_decoder_makes_one_encoding_of_its_images(embedder, monkeypatch):
    made = []

    class Counted(FrozenEncoding):
        def __init__(self, networks: list, encode: Callable, name: str):
            made.append(name)
            super().__init__(networks, encode, name)

    for module in ("textgan.model.unclip", "textgan.training.denoising"):
        monkeypatch.setattr(f"{module}.FrozenEncoding", Counted)
    unclip(embedder, latent=True)
    unclip(embedder)
    assert made == ["latents and embeddings"]


def test_what_does_not_fit_is_a_sentence(embedder):
    other = prior_of(embedder.image_encoder.width, 8, "0" * 64)
    with pytest.raises(ValueError, match="prior must have been trained for the contrastive model"):
        unclip(embedder, prior=other)
    with pytest.raises(ValueError, match="embedding_dropout must be above 0, because samples are"):
        unclip(embedder, embedding_dropout=0.0)
    for share, rule in ((0.0, "above 0, because samples are guided"), (2.0, "within")):
        with pytest.raises(ValueError, match=f"caption_dropout must be {rule}"):
            prior_model(embedder, caption_dropout=share)
    with pytest.raises(ValueError, match="text_width of the condition must be the text encoder's"):
        unclip(embedder, condition=partial(EmbeddingCondition, text_width=9))
