import os
import signal

import pytest
import pytorch_lightning as pl
import torch
from torch.multiprocessing import ProcessExitedException

from textgan.callback.checkpoint import Checkpoint
from textgan.callback.ending import Ending
from textgan.logger.csv import CSVLogger
from textgan.process.stop import Stop, signals

VALIDATING = {"limit_val_batches": 2, "val_check_interval": 2, "num_sanity_val_steps": 0}


class Press(pl.Callback):
    """Sends Ctrl-C during a batch, on one process."""

    def __init__(self, hook: str, at: int = 1, rank: int = 0):
        self.at, self.rank = at, rank
        setattr(self, hook, self._press)

    def _press(self, trainer, pl_module, *_):
        self.at -= 1
        if self.at == -1 and trainer.global_rank == self.rank:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def _ctrl_c_is_not_ignored():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of & ignores it
    yield
    signal.signal(signal.SIGINT, before)


def images_in(folder) -> int:
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    return int(checkpoint["state_dict"]["images_seen"])


def test_ctrl_c_ends_the_step_writes_it_down_and_says_when(trainer, counting, batches, tmp_path):
    run = trainer(Checkpoint(every_images=0), Press("on_train_batch_start"))
    with pytest.raises(Stop, match="stopped by Ctrl-C at 8 images") as stopped:
        run.fit(counting, batches)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert stopped.value.code == 130
    assert images_in(tmp_path) == 8


def test_what_was_logged_in_the_last_step_is_written(trainer, counting, batches, tmp_path):
    press, logger = Press("on_train_batch_start"), CSVLogger(str(tmp_path))
    run = trainer(Checkpoint(every_images=0), press, logger=logger)
    with pytest.raises(Stop, match="at 8 images"):
        run.fit(counting, batches)
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    place = rows[0].split(",").index("step")
    assert [float(row.split(",")[place]) for row in rows[1:]] == [4, 8]


def test_without_a_checkpoint_callback_it_ends_as_well(trainer, counting, batches, tmp_path):
    with pytest.raises(Stop, match="stopped by Ctrl-C at 8 images"):
        trainer(Ending(), Press("on_train_batch_start")).fit(counting, batches)
    assert list(tmp_path.iterdir()) == []


def test_a_validation_of_a_training_ends_after_its_batch(trainer, counting, batches, tmp_path):
    press = Press("on_validation_batch_start", at=0)
    run = trainer(Checkpoint(every_images=0), press, **VALIDATING)
    with pytest.raises(Stop, match="at 8 images"):
        run.fit(counting, batches)
    assert press.at == -1  # there was no second batch
    assert images_in(tmp_path) == 8


def test_prediction_ends_after_its_batch(trainer, counting, batches):
    with signals.handled():
        run = trainer(Ending(), Press("on_predict_batch_start", at=0))
        with pytest.raises(Stop, match="stopped by Ctrl-C after 1 of 2 batches"):
            run.predict(counting, batches)


def test_a_test_ends_at_once(trainer, counting, batches):
    with signals.handled():
        run = trainer(Ending(), Press("on_test_batch_start", at=0))
        with pytest.raises(Stop) as stopped:
            run.test(counting, batches)
    assert str(stopped.value) == "stopped by Ctrl-C"


def test_lightnings_own_reaction_to_sigterm_is_out_and_slurms_requeueing_stays(
    trainer, counting, batches, tmp_path, monkeypatch
):
    """Slurm sends SIGUSR1 some time before the end; `scontrol requeue` then sends SIGTERM."""
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f"#!/bin/sh\necho $* > {tmp_path}/asked\n")
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{scontrol.parent}:{os.environ['PATH']}")
    for name, value in {"JOB_ID": "12", "NTASKS": "1", "JOB_NAME": "train"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    for name in ("PROCID", "LOCALID", "NODEID"):
        monkeypatch.setenv(f"SLURM_{name}", "0")

    class Requeue(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if batch_idx == 1:
                os.kill(os.getpid(), signal.SIGUSR1)
                os.kill(os.getpid(), signal.SIGTERM)

    before = {n: signal.signal(n, signal.SIG_DFL) for n in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        with signals.handled(), pytest.raises(Stop, match="stopped by SIGTERM at 8 images"):
            trainer(Checkpoint(every_images=0), Requeue()).fit(counting, batches)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (tmp_path / "asked").read_text() == "requeue 12\n"
    assert (tmp_path / "hpc_ckpt_1.ckpt").exists()
    assert images_in(tmp_path) == 8


@pytest.mark.parametrize("hook", ["on_train_batch_start", "on_validation_batch_start"])
def test_all_processes_end_where_one_of_them_has_the_signal(
    hook, trainer, counting, batches, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # a fork of a process whose OpenMP threads have run waits for ever
    try:
        run = trainer(
            Checkpoint(every_images=0),
            Press(hook, rank=1),
            **VALIDATING,
            devices=2,
            strategy="ddp_fork",
            use_distributed_sampler=False,
        )
        with pytest.raises(ProcessExitedException) as ended:
            run.fit(counting, batches)
    finally:
        torch.set_num_threads(before)
    assert ended.value.exit_code == 130
    assert images_in(tmp_path) == 8
