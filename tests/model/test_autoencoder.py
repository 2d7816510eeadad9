"""Training of autoencoders."""

import copy
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.callback.checkpoint import Checkpoint
from textgan.discriminator import PatchDiscriminator, ProjectionDiscriminator
from textgan.loss import (
    KL,
    R1R2,
    Energy,
    LogitLaplaceLikelihood,
    Match,
    Mismatch,
    Quantization,
    Reconstruction,
    RpGAN,
)
from textgan.metric import PSNR
from textgan.model.autoencoder import AutoencoderModel
from textgan.quantizer import FSQ, GumbelQuantizer, VectorQuantizer
from textgan.training.budget import Budget
from textgan.training.model import TrainedModel

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}
SHAPE = (3, 16, 16)
QUANTIZERS = {
    "kl": lambda: None,
    "fsq": lambda: FSQ(levels=(4, 4), groups=2),
    "vq": lambda: VectorQuantizer(channels=6, codebook_size=16, groups=2),
    "gumbel": lambda: GumbelQuantizer(channels=6, codebook_size=16, groups=2),
}


def made(kind: str = "kl", *, adversarial: bool = False, **changes: object) -> AutoencoderModel:
    torch.manual_seed(0)
    losses: dict[str, nn.Module] = {"reconstruction": Reconstruction(root=1.0, absolute=1.0)}
    losses |= {"kl": KL(weight=1e-4)} if kind == "kl" else {}
    losses |= {"quantization": Quantization()} if kind in ("vq", "gumbel") else {}
    discriminator = None
    if adversarial:
        losses |= {"rpgan": RpGAN(), "r1r2": R1R2(interval=2)}
        discriminator = PatchDiscriminator(sample_shape=SHAPE, width=4, max_width=8, depth=2)
    arguments = {
        "autoencoder": ConvolutionAutoencoder(
            sample_shape=SHAPE, quantizer=QUANTIZERS[kind](), **SMALL
        ),
        "losses": losses,
        "discriminator": discriminator,
        "optimizer": partial(torch.optim.Adam, lr=2e-3),
        "discriminator_optimizer": partial(torch.optim.Adam, lr=1e-3),
        "budget": Budget(total_images=40, warmup_images=8),
        "metrics": {"psnr": PSNR()},
    }
    return AutoencoderModel(**{**arguments, **changes})


@pytest.fixture(params=QUANTIZERS)
def kind(request) -> str:
    return request.param


def test_it_learns_and_says_how_well(kind, trainer, data):
    model = made(kind, budget=Budget(total_images=2_000, warmup_images=100))
    batches = data(batch_size=16, train_size=2000, val_size=16)
    run = trainer(limit_val_batches=1.0)
    before = run.validate(model, batches, verbose=False)[0]["val/psnr"]
    run.fit(model, batches)
    after = run.validate(model, batches, verbose=False)[0]["val/psnr"]
    assert after > before + 2


def test_each_optimizer_moves_its_own_part_alone(kind, trainer, data, monkeypatch):
    moved, touched, step = {}, {}, TrainedModel.step_optimizer

    def watched(self, name, loss, log):
        before = copy.deepcopy(dict(self.named_parameters()))
        for parameter in self.parameters():
            parameter.grad = None
        step(self, name, loss, log)
        after = dict(self.named_parameters())
        for found, names in (
            (moved, [n for n, p in after.items() if not torch.equal(p, before[n])]),
            (touched, [n for n, p in after.items() if p.grad is not None]),
        ):
            found.setdefault(name, set()).update(n.partition(".")[0] for n in names)

    monkeypatch.setattr(TrainedModel, "step_optimizer", watched)
    trainer().fit(made(kind, adversarial=True), data())
    own = {"autoencoder": {"autoencoder"}, "discriminator": {"discriminator"}}
    assert moved == touched == own


class Crash(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        if int(pl_module.images_seen) == 20:
            raise ConnectionAbortedError("the machine is gone")


def test_a_resumed_run_is_bitwise_the_whole_one(kind, trainer, data, tmp_path):
    settings = {"adversarial": True, "crop_size": 8, "crop_until": 0.5}

    def run(*callbacks: pl.Callback, **options: object) -> dict:
        trainer(*callbacks).fit(made(kind, **settings), data(), **options)
        return torch.load(tmp_path / "last.ckpt", weights_only=True)

    whole = run(Checkpoint(every_images=0))
    with pytest.raises(ConnectionAbortedError):
        run(Checkpoint(every_images=16), Crash())
    torch.manual_seed(99)
    resumed = run(Checkpoint(every_images=0), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, resumed["state_dict"][name]), name


def test_a_saved_pipeline_reconstructs_as_the_model(kind, trainer, data, tmp_path):
    model = made(kind)
    trainer().fit(model, data())
    model.pipeline().save_pretrained(tmp_path / "saved")
    from textgan.pipeline import Pipeline

    again = Pipeline.from_pretrained(tmp_path / "saved")
    images = next(iter(data().val_dataloader())).images
    assert torch.equal(again.reconstruct(images), model.pipeline().reconstruct(images))


def test_it_learns_by_the_likelihood_of_pixels(trainer, data):
    net = ConvolutionAutoencoder(sample_shape=SHAPE, logit_laplace=True, **SMALL)
    losses = {"logit_laplace": LogitLaplaceLikelihood(), "kl": KL(weight=1e-4)}
    budget = Budget(total_images=2_000, warmup_images=100)
    model = made(autoencoder=net, losses=losses, budget=budget)
    batches, run = data(batch_size=16, train_size=2000, val_size=16), trainer(limit_val_batches=1.0)
    before = run.validate(model, batches, verbose=False)[0]["val/psnr"]
    run.fit(model, batches)
    assert run.validate(model, batches, verbose=False)[0]["val/psnr"] > before + 2


def test_crops_are_squares_of_the_images(trainer, data):
    seen = []

    class Watch(Reconstruction):
        def generator_loss(self, step):
            seen.append(tuple(step.real.shape))
            return super().generator_loss(step)

    model = made(crop_size=8, crop_until=0.5, losses={"reconstruction": Watch()})
    trainer().fit(model, data())
    assert seen == [(4, 3, 8, 8)] * 5 + [(4, 3, 16, 16)] * 5


def test_a_discriminator_that_reads_the_text_is_refused():
    discriminator = ProjectionDiscriminator(sample_shape=SHAPE, text_width=4, width=4, max_width=8)
    losses = {"reconstruction": Reconstruction(), "rpgan": RpGAN()}
    rule = "discriminator must not read a text, as discriminator=patch does not, got a Projection"
    with pytest.raises(ValueError, match=rule):
        made(losses=losses, discriminator=discriminator)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_pipeline_works_in_other_precisions(kind, dtype):
    pipeline = made(kind).pipeline().to(dtype)
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    assert pipeline.reconstruct(images).dtype == torch.float32
    assert pipeline.decode(pipeline.encode(images)).isfinite().all()


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        ("kl", {"losses": {"mismatch": Mismatch()}}, "loss term mismatch needs a discriminator"),
        ("kl", {"losses": {"match": Match()}}, "needs a"),
        ("kl", {"losses": {"energy": Energy()}}, "energy needs a text_encoder, which this model"),
        ("kl", {"losses": {"quantization": Quantization()}}, "needs a quantizer, but quantizer is"),
        ("fsq", {"losses": {"kl": KL()}}, "loss term kl needs a continuous autoencoder"),
        ("kl", {"losses": {"x": LogitLaplaceLikelihood()}}, "x needs an autoencoder that outputs"),
        ("vq", {"losses": {"r": Reconstruction()}}, "losses must hold the term quantization"),
        ("kl", {"compile": ("autoencoder",)}, "compile must name parts among"),
        ("kl", {"crop_size": 12}, "crop_size must be a multiple of 8 of at most 16, got 12"),
        ("kl", {"crop_size": 24}, "crop_size must be a multiple of 8 of at most 16, got 24"),
        ("kl", {"crop_until": 2.0}, "crop_until must be within"),
    ],
)
def test_what_does_not_fit_is_a_sentence(kind, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(kind, **changes)


@pytest.mark.parametrize("kind", ["kl", "fsq", "vq"])
def test_two_processes_end_equal_and_where_one_with_twice_the_batch_does(kind, states_of):
    sgd = partial(torch.optim.SGD, lr=0.05)

    def run(batch_size: int, **options: object) -> list[dict[str, torch.Tensor]]:
        optimizers = {"optimizer": sgd, "discriminator_optimizer": sgd}
        model = made(kind, budget=Budget(total_images=24), metrics={}, **optimizers)
        found = states_of(model, {"batch_size": batch_size}, precision="64-true", **options)
        return [one["state"] for one in found]

    two = {"devices": 2, "strategy": "ddp_fork_find_unused_parameters_true"}
    first, second = run(4, **two)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    if kind != "vq":  # whose codebook starts with random vectors of the first process
        (alone,) = run(8)
        for name, value in alone.items():
            torch.testing.assert_close(first[name], value, atol=1e-9, rtol=1e-7)
