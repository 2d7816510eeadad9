import os
import signal

import pytest
import pytorch_lightning as pl
import torch

from textgan.augmentation import DiffAugment
from textgan.callback.checkpoint import Checkpoint
from textgan.loss import KL, R1R2, Match, Mismatch, Reconstruction, RpGAN
from textgan.process.stop import Stop


class Crash(pl.Callback):
    """Ends the process's training after so many images, without a farewell."""

    def __init__(self, images: int):
        self.images = images

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if int(pl_module.images_seen) == self.images:
            raise ConnectionAbortedError("the machine is gone")


@pytest.fixture
def everything(model):
    """A model whose training draws everything that can be drawn."""

    def make(**changes):
        losses = [Reconstruction(), KL(), RpGAN(), R1R2(interval=3), Mismatch(), Match()]
        arguments = {
            "losses": {type(term).__name__.lower(): term for term in losses},
            "augmentation": DiffAugment(policies=("color", "translation", "cutout")),
            "discriminator_start": 0.2,
            "caption_dropout": 0.3,
            "warmup_images": 8,
            "total_images": 40,
        }
        return model(**{**arguments, **changes})

    return make


def same(one: object, two: object) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return one == two


def read(folder) -> dict:
    return torch.load(folder / "last.ckpt", weights_only=True)


@pytest.mark.parametrize("num_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("saved_at", [4, 16])
def test_a_resumed_run_ends_bitwise_as_one_that_was_never_interrupted(
    everything, data, trainer, tmp_path, num_workers, saved_at
):
    # An epoch has twelve images: 16 is in the middle of one; at 4 the discriminator has not begun.
    trainer(Checkpoint(every_images=0)).fit(everything(), data())
    whole = read(tmp_path)
    interrupted = trainer(Checkpoint(every_images=saved_at), Crash(saved_at + 4))
    with pytest.raises(ConnectionAbortedError):
        interrupted.fit(everything(), data(num_workers=num_workers))
    assert int(read(tmp_path)["state_dict"]["images_seen"]) == saved_at
    torch.manual_seed(12345)
    again = everything(seed=0)
    trainer(Checkpoint(every_images=0)).fit(
        again,
        data(num_workers=num_workers),
        ckpt_path=tmp_path / "last.ckpt",
        weights_only=True,
    )
    resumed = read(tmp_path)
    assert int(resumed["state_dict"]["images_seen"]) == 40
    assert any(name.startswith("ema.") for name in whole["state_dict"])
    different = [
        name
        for name, value in whole["state_dict"].items()
        if not same(value, resumed["state_dict"][name])
    ]
    assert different == []
    assert same(whole["optimizer_states"], resumed["optimizer_states"])
    assert whole["global_step"] == resumed["global_step"] == 10


class CtrlC(pl.Callback):
    """Pressed in the midst of the validation after so many images."""

    def __init__(self, images: int):
        self.images = images

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        if int(pl_module.images_seen) == self.images:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_stopped_amid_a_validation_ends_bitwise_as_one_that_was_not(
    everything, data, trainer, tmp_path
):
    validating = {"val_check_interval": 2, "limit_val_batches": 1}
    trainer(Checkpoint(every_images=0), **validating).fit(everything(), data())
    whole = read(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of & ignores it
    try:
        with pytest.raises(Stop, match="stopped by Ctrl-C at 16 images"):
            trainer(Checkpoint(every_images=0), CtrlC(16), **validating).fit(everything(), data())
    finally:
        signal.signal(signal.SIGINT, before)
    assert int(read(tmp_path)["state_dict"]["images_seen"]) == 16
    trainer(Checkpoint(every_images=0), **validating).fit(
        everything(), data(), ckpt_path=tmp_path / "last.ckpt", weights_only=True
    )
    assert same(whole["state_dict"], read(tmp_path)["state_dict"])
    assert same(whole["optimizer_states"], read(tmp_path)["optimizer_states"])


def test_another_seed_ends_elsewhere(everything, data, trainer, tmp_path):
    """Otherwise the comparison above would compare nothing."""
    states = []
    for seed in (0, 1):
        trainer(Checkpoint(every_images=0)).fit(everything(seed=seed), data())
        states.append(read(tmp_path)["state_dict"])
    assert not same(*states)


def test_a_finished_run_stays_as_it_is_when_resumed(everything, data, trainer, tmp_path):
    trainer(Checkpoint(every_images=0)).fit(everything(), data())
    before = read(tmp_path)["state_dict"]
    trainer(Checkpoint(every_images=0)).fit(
        everything(), data(), ckpt_path=tmp_path / "last.ckpt", weights_only=True
    )
    assert same(before, read(tmp_path)["state_dict"])


def test_a_run_resumed_between_accumulated_batches_ends_the_same(
    everything, data, trainer, tmp_path
):
    trainer(Checkpoint(every_images=0)).fit(everything(accumulate_batches=2), data())
    whole = read(tmp_path)
    with pytest.raises(ConnectionAbortedError):
        trainer(Checkpoint(every_images=20), Crash(24)).fit(
            everything(accumulate_batches=2), data()
        )
    trainer(Checkpoint(every_images=0)).fit(
        everything(accumulate_batches=2),
        data(),
        ckpt_path=tmp_path / "last.ckpt",
        weights_only=True,
    )
    assert same(whole["state_dict"], read(tmp_path)["state_dict"])
