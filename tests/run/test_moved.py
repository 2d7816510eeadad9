import shutil
from pathlib import Path

import pytest
from PIL import Image

from textgan.run.moved import moved

CONFIG = {
    "data": {"class_path": "textgan.data.Folder", "init_args": {"root": "/old/pictures"}},
    "model": {
        "init_args": {
            "losses": {"guidance": {"init_args": {"encoder": {"pretrained": "/old/clip"}}}},
            "name": "/old/pictures",
        }
    },
    "composition": {"links": {"model.losses.guidance.encoder.pretrained": "${encoders}"}},
}


def test_the_setting_is_named_that_led_there():
    assert "give data.root=PATH" in moved("'/old/pictures' does not exist", CONFIG)
    assert "give encoders=PATH" in moved("no folder '/old/clip'", CONFIG)


@pytest.mark.parametrize("said", ["batch_size must be at least 1", "'/other' does not exist", ""])
def test_other_mistakes_name_nothing(said):
    assert moved(said, CONFIG) == ""


def test_a_path_that_is_there_is_not_the_reason(tmp_path):
    config = {"data": {"init_args": {"root": str(tmp_path)}}}
    assert moved(f"no pictures in {tmp_path}", config) == ""


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(12):
        Image.new("RGB", (16, 16), (20 * n, 0, 0)).save(folder / f"{n}.png")
        (folder / f"{n}.txt").write_text("a red square")
    return folder


def test_a_checkpoint_resumed_elsewhere_says_which_setting_to_give(textgan, tiny, pictures):
    data = ["data=folder", f"data.root={pictures}", "data.batch_size=8"]
    ours = [word for word in tiny if not word.startswith("data")]
    status, _, err = textgan("fit", *ours, *data, "total_images=8", "hydra.run.dir=run")
    assert status == 0, err
    there = pictures.rename(pictures.with_name("elsewhere"))
    shutil.copytree("run", "moved")
    for verb in ("fit", "test"):
        status, _, err = textgan(verb, "ckpt_path=moved/last.ckpt")
        assert status == 2
        (said,) = [line for line in err.splitlines() if line.startswith("textgan: ")]
        assert f"{str(pictures)!r} does not exist" in said
        assert said.endswith("give data.root=PATH, where it is now")
    status, _, err = textgan("test", "ckpt_path=moved/last.ckpt", f"data.root={there}")
    assert status == 0, err
