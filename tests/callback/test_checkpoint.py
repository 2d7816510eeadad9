import os
import signal

import pytest
import pytorch_lightning as pl
import torch

from textgan.callback.checkpoint import Checkpoint, replace_durably


def test_the_last_checkpoint_is_that_of_the_end(trainer, counting, batches, tmp_path):
    trainer(Checkpoint(every_images=16), enable_checkpointing=True).fit(counting, batches)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 40
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_it_is_written_where_a_multiple_is_crossed(trainer, counting, batches, tmp_path):
    written = []
    callback = Checkpoint(every_images=16)
    save = callback._save
    callback._save = lambda t, images: (written.append(images), save(t, images))
    trainer(callback, enable_checkpointing=True).fit(counting, batches)
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
        trainer(Checkpoint(every_images=16), enable_checkpointing=True).fit(counting, batches)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 16


def test_replacing_moves_the_new_file_over_the_old(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    replace_durably(new, old)
    assert old.read_text() == "new"
    assert not new.exists()


class CtrlC(pl.Callback):
    """Pressed in the midst of the second step."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_step_writes_it_down_and_says_how_to_go_on(
    trainer, counting, batches, tmp_path, capsys
):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of & ignores it
    try:
        with pytest.raises(SystemExit):
            trainer(Checkpoint(every_images=0), CtrlC(), enable_checkpointing=True).fit(
                counting, batches
            )
    finally:
        after = signal.signal(signal.SIGINT, before)
    # Lightning ignores it while it shuts down
    assert after in (signal.default_int_handler, signal.SIG_IGN)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 8
    assert f"go on with textgan fit ckpt_path={tmp_path / 'last.ckpt'}" in capsys.readouterr().out


def test_the_handler_of_ctrl_c_is_given_back(trainer, counting, batches):
    before = signal.getsignal(signal.SIGINT)
    trainer(Checkpoint(every_images=0), enable_checkpointing=True).fit(counting, batches)
    assert signal.getsignal(signal.SIGINT) is before
