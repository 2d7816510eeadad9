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
def image_files(tmp_path):
    """Five colours, one of them in a folder below."""
    root = tmp_path / "image_files"
    (root / "below").mkdir(parents=True)
    for colour in COLOURS:
        name = f"below/{colour}.png" if colour == "red" else f"{colour}.png"
        Image.new("RGB", (20, 30), colour).save(root / name)
    return "image_files"


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


def test_images_are_printed_best_first_with_their_similarity(textgan, image_files, contrastive):
    status, out, err = textgan("search", image_files, "a red circle", "--model", str(contrastive))
    assert status == 0, err
    pipeline = ContrastivePipeline.from_pretrained(contrastive)
    expected = pipeline.search(image_files, "a red circle")
    assert len(expected) == 5
    rows = [line.split() for line in out.splitlines()]
    assert [path for _, path in rows] == [str(match.path) for match in expected]
    assert [float(similarity) for similarity, _ in rows] == pytest.approx(
        [match.similarity for match in expected], abs=5.1e-4
    )


def test_top_and_out_give_as_many_and_a_grid(textgan, image_files, contrastive):
    words = ["a red circle", "--model", str(contrastive), "--top", "2", "--out", "deep/grid.png"]
    status, out, err = textgan("search", image_files, *words)
    assert status == 0, err
    *rows, last = out.splitlines()
    assert (len(rows), last) == (2, "deep/grid.png")
    grid = Image.open("deep/grid.png").convert("RGB")
    assert grid.width == 2 * (128 + 8) + 8
    best = Path(rows[0].split()[1]).stem
    assert grid.getpixel((8 + 64, 8 + 64)) == Image.new("RGB", (1, 1), best).getpixel((0, 0))


def test_several_captions_are_answered_one_after_the_other(textgan, image_files, contrastive):
    (Path(image_files) / "blue.png").write_bytes(b"broken")
    words = ["--model", str(contrastive), "--top", "2", "--out", "grid.png"]
    status, out, err = textgan("search", image_files, "a red circle", "a circle", *words)
    assert status == 0, err
    lines = out.splitlines()
    assert (lines[0], lines[3], lines[6:]) == ("a red circle", "a circle", ["grid.png"])
    for caption, own in (("a red circle", lines[1:3]), ("a circle", lines[4:6])):
        alone = textgan("search", image_files, caption, *words[:4])[1]
        assert alone.splitlines() == own
    assert err.count("1 of 5 images was skipped") == 1
    assert Image.open("grid.png").width == 2 * (128 + 8) + 8


def test_broken_images_are_counted_on_the_error_output(textgan, image_files, contrastive):
    (Path(image_files) / "blue.png").write_bytes(b"broken")
    status, out, err = textgan("search", image_files, "a", "--model", str(contrastive))
    assert (status, len(out.splitlines())) == (0, 4)
    assert err.startswith("1 of 5 images was skipped: image_files/blue.png")


def test_pipes_links_and_large_images_are_left_out_and_said(textgan, image_files, contrastive):
    os.mkfifo("image_files/pipe.png")
    Path("away.png").write_bytes(Path("image_files/blue.png").read_bytes())
    Path("image_files/away.png").symlink_to(Path("away.png").absolute())
    Image.new("RGB", (1000, 10), "red").save("image_files/wide.png")
    words = ["search", image_files, "a red circle", "--model", str(contrastive)]
    status, out, err = textgan(*words, "--max_megapixels", "0.009")
    assert (status, len(out.splitlines())) == (0, 5)
    assert "3 of 8 images were skipped: image_files/away.png (it is a link" in err
    status, out, err = textgan(*words, "--follow_links")
    assert (status, len(out.splitlines())) == (0, 7)
    assert "1 of 8 images was skipped: image_files/pipe.png (it must be a regular file" in err


def test_the_newest_run_of_the_right_kind_is_taken(textgan, image_files, contrastive, generative):
    run_of(contrastive, "old", age=30)
    run_of(generative, "draws", age=10)
    status, out, err = textgan("search", image_files, "a red circle")
    assert status == 0, err
    assert out == textgan("search", image_files, "a red circle", "--model", str(contrastive))[1]
    run_of(contrastive, "new", age=0)
    status, _, err = textgan("sample", "a red circle", "--out", "newest.png")
    assert status == 0, err
    textgan("sample", "a red circle", "--out", "named.png", "--model", str(generative))
    assert Path("newest.png").read_bytes() == Path("named.png").read_bytes()


def test_a_newer_run_that_cannot_be_read_is_passed_over(
    textgan, refused, image_files, contrastive, tmp_path
):
    shutil.copytree(contrastive, tmp_path / "runs/good/pipeline")
    (tmp_path / "runs/cut").mkdir()
    (tmp_path / "runs/cut/last.ckpt").write_bytes(b"cut short")
    status, out, err = textgan("search", str(image_files), "a red circle", "--top", "1")
    assert status == 0, err
    assert len(out.splitlines()) == 1
    shutil.rmtree(tmp_path / "runs/good")
    assert "is no checkpoint, or was cut short" in refused(
        "search", str(image_files), "a red circle"
    )


def test_a_checkpoint_says_itself_of_which_kind_it_is(
    textgan, refused, image_files, contrastive, generative
):
    expected = textgan("search", image_files, "a", "--model", str(contrastive))[1]
    run_of(generative, "draws", age=0)
    path = checkpoint_of(contrastive, Path("runs/stopped/last.ckpt"))
    for words in ([], ["--model", str(path)], ["--model", "runs/stopped"], ["--model", "runs"]):
        status, out, err = textgan("search", image_files, "a", *words)
        assert status == 0, err
        assert out == expected
    assert (
        "last.ckpt holds a ContrastivePipeline; a model that generates images is trained by"
        in refused("sample", "a", "--model", str(path))
    )


def test_a_saved_checkpoint_finds_as_the_checkpoint_did(textgan, image_files, contrastive):
    path = checkpoint_of(contrastive, Path("run/last.ckpt"))
    status, out, err = textgan("save", str(path), "folder")
    assert status == 0, err
    assert out == 'next: textgan search FOLDER "a caption" --model folder\n'
    found = [textgan("search", image_files, "a", "--model", m)[1] for m in (str(path), "folder")]
    assert found[0] == found[1] != ""


@pytest.mark.parametrize("named", ["pipeline", "run", "newest"])
def test_a_model_of_the_other_kind_is_one_sentence(
    refused, image_files, contrastive, generative, named
):
    for folder, words, said in (
        (
            generative,
            ["search", image_files, "a"],
            "holds a GANPipeline; a model that compares images with texts is trained by "
            "`textgan fit model=contrastive`",
        ),
        (
            contrastive,
            ["sample", "a"],
            "holds a ContrastivePipeline; a model that generates images is trained by "
            "`textgan fit model=gan`",
        ),
    ):
        if named == "newest" and folder == contrastive:
            continue  # then the bundled model is used
        run = run_of(folder, "only", age=0)
        model = {"pipeline": ["--model", str(run)], "run": ["--model", "runs"], "newest": []}
        err = refused(*words, *model[named])
        assert err == f"textgan: {run} {said}\n"
        shutil.rmtree("runs")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["classify", "red.png", "--labels=a,b", "--model"], "generative"),
        (["export", "graph", "--model"], "contrastive"),
        (["demo"], "contrastive"),
    ],
)
def test_every_verb_refuses_a_model_of_the_other_kind(refused, words, kind, request):
    if words == ["demo"]:
        pytest.importorskip("gradio", reason="needs Gradio: pip install textgan[demo]")
    assert "Pipeline; a model that " in refused(*words, str(request.getfixturevalue(kind)))


def test_a_folder_that_holds_no_pipeline_cannot_be_saved(refused, contrastive):
    ContrastivePipeline.from_pretrained(contrastive).image_encoder.save_pretrained("encoder")
    err = refused("save", "encoder", "folder")
    assert err == "textgan: encoder holds a ResNetImageEncoder, which is not a pipeline\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "a"], "folder must be an existing folder of images, got 'nowhere'"),
        ([".", "a"], "folder must hold images"),
        (
            ["image_files", "a", "--max_megapixels", "0"],
            "--max_megapixels: must be positive, got 0",
        ),
        (["image_files", "a", "--top", "0"], "--top must be at least 1, got 0"),
        (["image_files", "a", "--model", "missing"], "--model 'missing' does not exist"),
    ],
)
def test_a_mistake_is_one_sentence(refused, image_files, contrastive, words, said):
    if words[0] == ".":
        shutil.rmtree(image_files)
    model = [] if "--model" in words else ["--model", str(contrastive)]
    err = refused("search", *words, *model)
    assert err.startswith("textgan: ")
    assert said in err


def test_a_grid_that_cannot_be_written_is_one_sentence(textgan, image_files, contrastive):
    out = f"{image_files}/blue.png/x.png"
    words = ["search", image_files, "a", "--model", str(contrastive), "--out", out]
    status, _, err = textgan(*words)
    assert (status, err.count("\n")) == (2, 1)
    assert f"--out {out!r} cannot be written" in err


def test_without_any_run_it_says_how_to_train_one(refused, image_files):
    err = refused("search", image_files, "a")
    assert "no run that compares images with texts was found below ./runs: train one with" in err
    assert "`textgan fit model=contrastive`" in err
