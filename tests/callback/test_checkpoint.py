import pytest
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
