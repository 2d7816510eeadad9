import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.checkpoint.reading import FORMAT_VERSION
from textgan.pipeline import ContrastivePipeline

COLOURS = ["red", "lime", "blue", "white", "black"]


@pytest.fixture
def pictures(tmp_path):
    """Five colours, one of them in a folder below."""
    root = tmp_path / "pictures"
    (root / "below").mkdir(parents=True)
    for colour in COLOURS:
        name = f"below/{colour}.png" if colour == "red" else f"{colour}.png"
        Image.new("RGB", (20, 30), colour).save(root / name)
    return "pictures"


def run_of(folder: Path, name: str, *, age: int) -> Path:
    """A pipeline folder inside a run below ./runs, so many seconds old."""
    copy = Path(shutil.copytree(folder, f"runs/{name}/pipeline"))
    seconds = 1_700_000_000 - age
    os.utime(copy / "config.json", (seconds, seconds))
    return copy


def checkpoint_of(folder: Path, path: Path) -> Path:
    """A checkpoint of the contrastive pipeline in a folder."""
    pipeline = ContrastivePipeline.from_pretrained(folder)
    ours = {"format_version": FORMAT_VERSION, "config": None, "frozen": {}}
    ours["components"] = {name: f"ema.averaged.{name}" for name, _ in pipeline.named_children()}
    averaged = {f"ema.averaged.{name}": value for name, value in pipeline.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": averaged, "textgan": {**ours, "pipeline": pipeline.config()}}, path)
    return path


def test_pictures_are_printed_best_first_with_their_similarity(textgan, pictures, contrastive):
    status, out, err = textgan("search", pictures, "a red circle", "--model", str(contrastive))
    assert status == 0, err
    pipeline = ContrastivePipeline.from_pretrained(contrastive)
    expected = pipeline.search(pictures, "a red circle")
    assert len(expected) == 5
    rows = [line.split() for line in out.splitlines()]
    assert [path for _, path in rows] == [str(match.path) for match in expected]
    assert [float(similarity) for similarity, _ in rows] == pytest.approx(
        [match.similarity for match in expected], abs=5.1e-4
    )


def test_top_and_out_give_as_many_and_a_grid(textgan, pictures, contrastive):
    words = ["a red circle", "--model", str(contrastive), "--top", "2", "--out", "deep/grid.png"]
    status, out, err = textgan("search", pictures, *words)
    assert status == 0, err
    *rows, last = out.splitlines()
    assert (len(rows), last) == (2, "deep/grid.png")
    grid = Image.open("deep/grid.png").convert("RGB")
    assert grid.width == 2 * (128 + 8) + 8
    best = Path(rows[0].split()[1]).stem
    assert grid.getpixel((8 + 64, 8 + 64)) == Image.new("RGB", (1, 1), best).getpixel((0, 0))


def test_broken_pictures_are_counted_on_the_error_output(textgan, pictures, contrastive):
    (Path(pictures) / "blue.png").write_bytes(b"broken")
    status, out, err = textgan("search", pictures, "a", "--model", str(contrastive))
    assert (status, len(out.splitlines())) == (0, 4)
    assert err.startswith("1 of 5 images was skipped: pictures/blue.png")


def test_pipes_links_and_large_pictures_are_left_out_and_said(textgan, pictures, contrastive):
    os.mkfifo("pictures/pipe.png")
    Path("away.png").write_bytes(Path("pictures/blue.png").read_bytes())
    Path("pictures/away.png").symlink_to(Path("away.png").absolute())
    Image.new("RGB", (1000, 10), "red").save("pictures/wide.png")
    words = ["search", pictures, "a red circle", "--model", str(contrastive)]
    status, out, err = textgan(*words, "--max_megapixels", "0.009")
    assert (status, len(out.splitlines())) == (0, 5)
    assert "3 of 8 images were skipped: pictures/away.png (it is a link" in err
    status, out, err = textgan(*words, "--follow_links")
    assert (status, len(out.splitlines())) == (0, 7)
    assert "1 of 8 images was skipped: pictures/pipe.png (it must be a regular file" in err


def test_the_newest_run_of_the_right_kind_is_taken(textgan, pictures, contrastive, drawing):
    run_of(contrastive, "old", age=30)
    run_of(drawing, "draws", age=10)
    status, out, err = textgan("search", pictures, "a red circle")
    assert status == 0, err
    assert out == textgan("search", pictures, "a red circle", "--model", str(contrastive))[1]
    run_of(contrastive, "new", age=0)
    status, _, err = textgan("sample", "a red circle", "--out", "newest.png")
    assert status == 0, err
    textgan("sample", "a red circle", "--out", "named.png", "--model", str(drawing))
    assert Path("newest.png").read_bytes() == Path("named.png").read_bytes()


def test_a_newer_run_that_cannot_be_read_is_passed_over(textgan, pictures, contrastive, tmp_path):
    shutil.copytree(contrastive, tmp_path / "runs/good/pipeline")
    (tmp_path / "runs/cut").mkdir()
    (tmp_path / "runs/cut/last.ckpt").write_bytes(b"cut short")
    status, out, err = textgan("search", str(pictures), "a red circle", "--top", "1")
    assert status == 0, err
    assert len(out.splitlines()) == 1
    shutil.rmtree(tmp_path / "runs/good")
    status, _, err = textgan("search", str(pictures), "a red circle")
    assert status == 2
    assert "is no checkpoint, or was cut short" in err


def test_a_checkpoint_says_itself_of_which_kind_it_is(textgan, pictures, contrastive, drawing):
    expected = textgan("search", pictures, "a", "--model", str(contrastive))[1]
    run_of(drawing, "draws", age=0)
    path = checkpoint_of(contrastive, Path("runs/stopped/last.ckpt"))
    for words in ([], ["--model", str(path)], ["--model", "runs/stopped"], ["--model", "runs"]):
        status, out, err = textgan("search", pictures, "a", *words)
        assert status == 0, err
        assert out == expected
    status, _, err = textgan("sample", "a", "--model", str(path))
    assert status == 2
    assert "last.ckpt holds a ContrastivePipeline; one that draws is trained by" in err


def test_a_saved_checkpoint_finds_as_the_checkpoint_did(textgan, pictures, contrastive):
    path = checkpoint_of(contrastive, Path("run/last.ckpt"))
    status, out, err = textgan("save", str(path), "folder")
    assert status == 0, err
    assert out == 'next: textgan search FOLDER "a caption" --model folder\n'
    found = [textgan("search", pictures, "a", "--model", m)[1] for m in (str(path), "folder")]
    assert found[0] == found[1] != ""


@pytest.mark.parametrize("named", ["pipeline", "run", "newest"])
def test_a_model_of_the_other_kind_is_one_sentence(textgan, pictures, contrastive, drawing, named):
    for folder, words, said in (
        (
            drawing,
            ["search", pictures, "a"],
            "holds a GANPipeline; one that compares pictures with texts is trained by "
            "`textgan fit model=contrastive`",
        ),
        (
            contrastive,
            ["sample", "a"],
            "holds a ContrastivePipeline; one that draws is trained by `textgan fit model=gan`",
        ),
    ):
        if named == "newest" and folder == contrastive:
            continue  # then the model in the box draws
        run = run_of(folder, "only", age=0)
        model = {"pipeline": ["--model", str(run)], "run": ["--model", "runs"], "newest": []}
        status, out, err = textgan(*words, *model[named])
        assert (status, out) == (2, "")
        assert err == f"textgan: {run} {said}\n"
        shutil.rmtree("runs")


def test_a_folder_that_holds_no_pipeline_cannot_be_saved(textgan, contrastive):
    ContrastivePipeline.from_pretrained(contrastive).image_encoder.save_pretrained("encoder")
    status, _, err = textgan("save", "encoder", "folder")
    assert status == 2
    assert err == "textgan: encoder holds a ResNetImageEncoder, which is no pipeline\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "a"], "folder must be a folder of images, got 'nowhere'"),
        ([".", "a"], "folder must hold images"),
        (["pictures", "a", "--max_megapixels", "0"], "--max_megapixels must be positive, got 0"),
        (["pictures", "a", "--top", "0"], "--top must be at least 1, got 0"),
        (
            ["pictures", "a", "--out", "pictures/blue.png/x.png"],
            "--out 'pictures/blue.png/x.png' cannot be written",
        ),
        (["pictures", "a", "--model", "missing"], "--model 'missing' does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(textgan, pictures, contrastive, words, said):
    if words[0] == ".":
        shutil.rmtree(pictures)
    model = [] if "--model" in words else ["--model", str(contrastive)]
    status, _, err = textgan("search", *words, *model)
    assert status == 2
    assert err.startswith("textgan: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_without_any_run_it_says_how_to_train_one(textgan, pictures):
    status, _, err = textgan("search", pictures, "a")
    assert status == 2
    assert "no run below ./runs that compares pictures with texts: train one with" in err
    assert "`textgan fit model=contrastive`" in err
