import shutil
from pathlib import Path

from PIL import Image


def test_a_checkpoint_a_folder_and_the_newest_run_draw_the_same(textgan, trained):
    shutil.copytree(trained, "runs/today/now")
    words = ["a red circle", "two blue squares", "--number", "3", "--seed", "5"]
    drawn = {}
    for name, model in {
        "newest": [],
        "run": ["--model", str(trained)],
        "checkpoint": ["--model", str(trained / "last.ckpt")],
        "pipeline": ["--model", str(trained / "pipeline")],
    }.items():
        status, _, err = textgan("sample", *words, *model, "--out", f"out/{name}.png")
        assert status == 0, err
        drawn[name] = Image.open(f"out/{name}.png").convert("RGB")
    assert len({image.tobytes() for image in drawn.values()}) == 1
    assert drawn["run"].width == 3 * (128 + 8) + 8


def test_a_saved_checkpoint_draws_as_the_checkpoint_did(textgan, trained):
    status, _, _ = textgan("save", str(trained / "last.ckpt"), "folder")
    assert status == 0
    for name, model in (("a", str(trained / "last.ckpt")), ("b", "folder")):
        textgan("sample", "a red circle", "--model", model, "--out", f"{name}.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    textgan("sample", "a red circle", "--model", "folder", "--seed", "1", "--out", "c.png")
    assert Path("a.png").read_bytes() != Path("c.png").read_bytes()
