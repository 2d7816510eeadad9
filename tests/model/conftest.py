import os
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from PIL import Image

from textgan.data import Folder, Shapes
from textgan.discriminator import ProjectionDiscriminator
from textgan.generator import AttentionGenerator
from textgan.loss import KL, R1R2, Mismatch, Reconstruction, RpGAN
from textgan.model import GANModel
from textgan.posterior import ConvolutionPosterior
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget

SIZES = {"sample_shape": (3, 16, 16), "text_width": 8}
WIDTHS = {"width": 4, "max_width": 8}


def with_budget(changes: dict, **budget: object) -> dict:
    """The same arguments, those of Budget gathered under `budget`."""
    names = {field.name for field in fields(Budget)}
    budget |= {name: value for name, value in changes.items() if name in names}
    others = {name: value for name, value in changes.items() if name not in names}
    return {"budget": Budget(**budget), **others}


def make_model(**changes: object) -> GANModel:
    """A tiny VAE-GAN at 16 px; `changes` are arguments of GANModel and of its Budget."""
    torch.manual_seed(0)
    arguments = {
        "generator": AttentionGenerator(
            **SIZES, **WIDTHS, noise_width=3, style_width=8, word_resolutions=[8]
        ),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "discriminator": ProjectionDiscriminator(**SIZES, **WIDTHS),
        "posterior": ConvolutionPosterior(**SIZES, **WIDTHS, noise_width=3),
        "losses": {
            "reconstruction": Reconstruction(root=1.0, absolute=1.0),
            "kl": KL(),
            "rpgan": RpGAN(),
            "r1r2": R1R2(interval=2),
            "mismatch": Mismatch(),
        },
        "generator_optimizer": partial(torch.optim.Adam, lr=1e-3),
        "discriminator_optimizer": partial(torch.optim.Adam, lr=1e-3),
        "tokenizer_captions": 20,
    }
    return GANModel(**{**arguments, **with_budget(changes, total_images=20)})


def make_data(**changes: object) -> Shapes:
    """One object a scene at 16 px, four scenes a batch."""
    sizes = {"image_size": 16, "batch_size": 4, "train_size": 12, "val_size": 4, "test_size": 4}
    return Shapes(**{**sizes, "max_objects": 1, **changes})


def make_trainer(folder: Path, *callbacks: pl.Callback, **options: object) -> pl.Trainer:
    """As `textgan fit` makes it, without what it prints."""
    settings = {"logger": False, "enable_checkpointing": bool(callbacks), "limit_val_batches": 0}
    settings["val_check_interval"] = 1000
    return pl.Trainer(
        default_root_dir=str(folder),
        accelerator="cpu",
        callbacks=[*callbacks],
        max_epochs=-1,
        use_distributed_sampler=False,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        enable_progress_bar=False,
        log_every_n_steps=1,
        **{**settings, **options},
    )


@pytest.fixture
def model() -> Callable[..., GANModel]:
    return make_model


@pytest.fixture
def data() -> Callable[..., Shapes]:
    return make_data


@pytest.fixture
def trainer(tmp_path) -> Callable[..., pl.Trainer]:
    """Callbacks, and the trainer's options -> a trainer whose run folder is tmp_path."""
    return partial(make_trainer, tmp_path)


@pytest.fixture
def fitted(trainer) -> Callable[..., GANModel]:
    """A model, its data and callbacks -> the model, trained; `fitted.trainer` trained it."""

    def fit(model: GANModel, data: Shapes | None = None, *callbacks: pl.Callback) -> GANModel:
        fit.trainer = trainer(*callbacks, enable_checkpointing=False)
        fit.trainer.fit(model, data or make_data())
        return model

    return fit


class KeepWeights(pl.Callback):
    """Writes the state and the steps of each process at the end."""

    def __init__(self, folder: Path):
        self.folder = folder

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        found = {"state": pl_module.state_dict(), "steps": trainer.global_step}
        torch.save(found, self.folder / f"{trainer.world_size}-{trainer.global_rank}.pt")


@pytest.fixture
def states_of(trainer, data, tmp_path, monkeypatch) -> Callable[..., list[dict]]:
    """A model, options of the data, options of the trainer -> state and steps of each process.

    A process forked from one whose OpenMP threads have run would wait for them for ever.
    """

    def train(model: pl.LightningModule, sizes: dict, **options: object) -> list[dict]:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", os.environ.copy())
            run = trainer(KeepWeights(tmp_path), enable_checkpointing=False, **options)
            run.fit(model, data(**sizes))
        torch.set_num_threads(threads)
        count = options.get("devices", 1)
        return [torch.load(tmp_path / f"{count}-{rank}.pt") for rank in range(count)]

    return train


@pytest.fixture
def budgeted() -> Callable[..., dict]:
    """Gathers the arguments of Budget."""
    return with_budget


_COLOURS = ("red", "green", "blue", "yellow", "white", "black", "purple", "orange")


@pytest.fixture
def colours(tmp_path, monkeypatch):
    """Makes data of eight plain images."""
    monkeypatch.setenv("TEXTGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    for colour in _COLOURS:
        half = Image.new("RGB", (16, 32), colour)
        image = Image.new("RGB", (32, 32), "gray")
        image.paste(half)
        image.save(tmp_path / "images" / f"{colour}.png")
        (tmp_path / "images" / f"{colour}.txt").write_text(f"a {colour} half\nhalf {colour}")

    def make(**changes) -> Folder:
        given = {"image_size": 32, "batch_size": 4, "val_share": 0.0, "flip": True}
        return Folder(tmp_path / "images", **given | changes)

    return make
