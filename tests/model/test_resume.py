import os
import signal
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch.testing import assert_close

from textgan.augmentation import DiffAugment
from textgan.callback.checkpoint import Checkpoint
from textgan.loss import KL, R1R2, Match, Mismatch, Reconstruction, RpGAN
from textgan.process.stop import Stop
from textgan.training.muon import Muon


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


def assert_same(one: dict, two: dict) -> None:
    for part in ("state_dict", "optimizer_states"):
        assert_close(one[part], two[part], rtol=0, atol=0)


@pytest.fixture
def train(everything, data, trainer, tmp_path):
    """Trains a model, by default to its end; returns the contents of last.ckpt.

    Args:
        changes: arguments of the model.
        callbacks: beside a Checkpoint at the end alone, unless the first is a Checkpoint.
        resumed: whether it goes on from last.ckpt.
        num_workers: of the data.
        options: of the trainer.
    """

    def run(changes=None, *callbacks, resumed=False, num_workers=0, **options) -> dict:
        if not (callbacks and isinstance(callbacks[0], Checkpoint)):
            callbacks = (Checkpoint(every_images=0), *callbacks)
        path = tmp_path / "last.ckpt"
        going_on = {"ckpt_path": path, "weights_only": True} if resumed else {}
        batches = data(num_workers=num_workers)
        trainer(*callbacks, **options).fit(everything(**changes or {}), batches, **going_on)
        return torch.load(path, weights_only=True)

    return run


def images_in(folder) -> int:
    return int(torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]["images_seen"])


@pytest.mark.parametrize("num_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("saved_at", [4, 16])
def test_a_resumed_run_ends_bitwise_as_one_that_was_never_interrupted(
    train, tmp_path, num_workers, saved_at
):
    # An epoch has twelve images: 16 is in the middle of one; at 4 the discriminator has not begun.
    whole = train()
    with pytest.raises(ConnectionAbortedError):
        train({}, Checkpoint(every_images=saved_at), Crash(saved_at + 4), num_workers=num_workers)
    assert images_in(tmp_path) == saved_at
    torch.manual_seed(12345)
    resumed = train({"seed": 0}, resumed=True, num_workers=num_workers)
    assert int(resumed["state_dict"]["images_seen"]) == 40
    assert any(name.startswith("ema.") for name in whole["state_dict"])
    assert_same(whole, resumed)
    assert whole["global_step"] == resumed["global_step"] == 10


def test_muon_goes_on_where_it_was(train, tmp_path):
    changes = {"generator_optimizer": partial(Muon, lr=1e-3)}
    whole = train(changes)
    with pytest.raises(ConnectionAbortedError):
        train(changes, Checkpoint(every_images=16), Crash(20))
    resumed = train(changes, resumed=True)
    assert_close(whole["state_dict"], resumed["state_dict"], rtol=0, atol=0)
    states = [content["optimizer_states"][0]["inner"] for content in (whole, resumed)]
    for one, other in zip(*states, strict=True):
        assert one["state"].keys() == other["state"].keys()
        assert_close(one["state"], other["state"], rtol=0, atol=0)


def test_the_average_of_a_posterior_goes_on_where_it_was(train, tmp_path):
    changes = {"save_posterior": True}
    whole = train(changes)
    with pytest.raises(ConnectionAbortedError):
        train(changes, Checkpoint(every_images=16), Crash(20))
    assert_same(whole, train(changes, resumed=True))
    assert any(name.startswith("ema.averaged.posterior.") for name in whole["state_dict"])


class CtrlC(pl.Callback):
    """Pressed during the validation after so many images."""

    def __init__(self, images: int):
        self.images = images

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        if int(pl_module.images_seen) == self.images:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_stopped_amid_a_validation_ends_bitwise_as_one_that_was_not(train, tmp_path):
    validating = {"val_check_interval": 2, "limit_val_batches": 1}
    whole = train(**validating)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of & ignores it
    try:
        with pytest.raises(Stop, match="stopped by Ctrl-C at 16 images"):
            train({}, CtrlC(16), **validating)
    finally:
        signal.signal(signal.SIGINT, before)
    assert images_in(tmp_path) == 16
    resumed = train(resumed=True, **validating)
    assert_same(whole, resumed)


def test_another_seed_ends_elsewhere(train):
    """Otherwise the comparison above would compare nothing."""
    with pytest.raises(AssertionError, match="not equal"):
        assert_same(*(train({"seed": seed}) for seed in (0, 1)))


def test_a_finished_run_stays_as_it_is_when_resumed(train):
    assert_same(train(), train(resumed=True))


def test_a_run_resumed_between_accumulated_batches_ends_the_same(train):
    accumulating = {"accumulate_batches": 2}
    whole = train(accumulating)
    with pytest.raises(ConnectionAbortedError):
        train(accumulating, Checkpoint(every_images=20), Crash(24))
    assert_same(whole, train(accumulating, resumed=True))
