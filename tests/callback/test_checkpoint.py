import math
import signal
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from textgan.callback.checkpoint import Checkpoint
from textgan.errors import ConfigError


def test_the_last_checkpoint_is_that_of_the_end(trainer, counting, batches, tmp_path):
    trainer(Checkpoint(every_images=16)).fit(counting, batches)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 40
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_it_is_written_where_a_multiple_is_crossed(trainer, counting, batches, tmp_path):
    written = []
    callback = Checkpoint(every_images=16)
    save = callback._save
    callback._save = lambda t, images: (written.append(images), save(t, images))
    trainer(callback).fit(counting, batches)
    assert written == [16, 32, 40]


def test_a_crash_while_writing_leaves_the_old_checkpoint(
    trainer, counting, batches, tmp_path, monkeypatch
):
    save = torch.save

    def crash(content, file, *rest, **more):
        if int(content["state_dict"]["images_seen"]) == 32:
            raise OSError("the disk is full")
        save(content, file, *rest, **more)

    monkeypatch.setattr(torch, "save", crash)
    with pytest.raises(OSError, match="the disk is full"):
        trainer(Checkpoint(every_images=16)).fit(counting, batches)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 16


def test_the_handler_of_ctrl_c_is_given_back(trainer, counting, batches):
    before = signal.getsignal(signal.SIGINT)
    trainer(Checkpoint(every_images=0)).fit(counting, batches)
    assert signal.getsignal(signal.SIGINT) is before


class Scored(pl.Callback):
    """Logs a score at each validation: what a metric does."""

    def __init__(self, *scores: float):
        self.scores = [*scores]

    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("val/score", self.scores.pop(0))


def fit_scored(trainer, counting, batches, callback: Checkpoint, *scores: float) -> None:
    """Five validations, one every eight images."""
    trainer(
        callback,
        Scored(*scores),
        limit_val_batches=1,
        val_check_interval=2,
        num_sanity_val_steps=0,
    ).fit(counting, batches)


@pytest.mark.parametrize(("mode", "images"), [("max", 24), ("min", 16)])
def test_the_best_checkpoint_is_that_of_the_best_validation(
    trainer, counting, batches, tmp_path, mode, images
):
    callback = Checkpoint(every_images=0, monitor="val/score", mode=mode)
    fit_scored(trainer, counting, batches, callback, 0.5, 0.2, 0.7, 0.7, 0.6)
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert int(best["state_dict"]["images_seen"]) == images
    assert callback.best == pytest.approx({"max": 0.7, "min": 0.2}[mode])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_a_resumed_run_knows_what_was_best_unless_another_metric_says_now():
    first = Checkpoint(every_images=0, monitor="val/score", mode="max")
    first.best = 0.7
    again, other = (
        Checkpoint(every_images=0, monitor=m, mode="max") for m in ("val/score", "val/other")
    )
    for callback in (again, other):
        callback.load_state_dict(first.state_dict())
    assert (again.best, other.best) == (0.7, None)


def test_a_metric_that_nobody_logs_cannot_say_which_is_best(trainer, counting, batches):
    callback = Checkpoint(every_images=0, monitor="val/scor", mode="max")
    with pytest.raises(ConfigError, match=r"one of the metrics val/score, got 'val/scor'"):
        fit_scored(trainer, counting, batches, callback, 0.5)
    with pytest.raises(ValueError, match='mode must be "max", "min" or null, got \'best\''):
        Checkpoint(every_images=0, mode="best")


def test_the_better_way_of_the_usual_metrics_is_known(counting, trainer, batches, tmp_path):
    assert Checkpoint(every_images=0, monitor="val/fid_768").mode == "min"
    assert Checkpoint(every_images=0, monitor="val/shape_alignment/all").mode == "max"
    with pytest.raises(ValueError, match="for 'val/sharpness', got null"):
        Checkpoint(every_images=0, monitor="val/sharpness")


def test_a_value_that_is_no_number_is_never_the_best(trainer, counting, batches, tmp_path):
    callback = Checkpoint(every_images=0, monitor="val/score", mode="max")
    fit_scored(trainer, counting, batches, callback, math.nan, 0.2, math.inf, 0.1, math.nan)
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert int(best["state_dict"]["images_seen"]) == 16


def test_a_monitor_of_no_metric_is_refused_before_training(trainer, counting, batches):
    counting.evaluation = SimpleNamespace(names=["score"])
    for wrong in ("val/scor", "train/loss", ""):
        callback = Checkpoint(every_images=0, monitor=wrong, mode="max")
        with pytest.raises(ConfigError, match="monitor must be of a metric, here val/score, got"):
            fit_scored(trainer, counting, batches, callback)
