"""Checkpoints, run files and pipelines that the first version with format 6 wrote still work."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.checkpoint.reading import read_checkpoint
from textgan.image import from_pil
from textgan.pipeline import ContrastivePipeline, GANPipeline
from textgan.pretrained.part import Part
from textgan.training.checkpoint import load_pipeline

FILES = Path(__file__).parents[1] / "fixtures" / "format_6"
CAPTIONS = ["a large red circle on a white background", "a small blue star on a black background"]


def drawn() -> torch.Tensor:
    images = [Image.open(FILES / "gan" / name) for name in ("circle.png", "star.png")]
    return torch.stack([from_pil(image) for image in images])


@pytest.fixture
def run(tmp_path):
    """Name of a stored run -> a copy of its folder, beside which the command line starts."""
    return lambda name: Path(shutil.copytree(FILES / name, tmp_path / name))


@pytest.mark.parametrize(
    ("load", "place"), [(load_pipeline, "last.ckpt"), (Part.from_pretrained, "pipeline")]
)
def test_the_gan_draws_the_images_that_it_drew_then(load, place):
    pipeline = load(FILES / "gan" / place)
    assert isinstance(pipeline, GANPipeline)
    images = pipeline(CAPTIONS, seed=3, output_type="pt").images
    torch.testing.assert_close(images, drawn(), atol=1.5 / 127.5, rtol=0)
    assert drawn().std() > 0.1


@pytest.mark.parametrize(
    ("load", "place"), [(load_pipeline, "last.ckpt"), (Part.from_pretrained, "pipeline")]
)
def test_the_contrastive_model_says_the_same_of_them(load, place):
    pipeline = load(FILES / "contrastive" / place)
    assert isinstance(pipeline, ContrastivePipeline)
    known = torch.tensor(json.loads((FILES / "contrastive" / "similarity.json").read_text()))
    images = drawn()
    torch.testing.assert_close(pipeline.similarity(images, CAPTIONS), known, atol=2e-3, rtol=0)


@pytest.mark.parametrize("name", ["gan", pytest.param("contrastive", marks=pytest.mark.slow)])
def test_a_stored_checkpoint_is_tested_and_training_goes_on_from_it(name, run, textgan):
    folder = run(name)
    status, _, err = textgan("test", f"ckpt_path={folder}/last.ckpt", "metric=[]")
    assert status == 0, err
    status, _, err = textgan("fit", f"ckpt_path={folder}/last.ckpt", "total_images=48")
    assert status == 0, err
    assert int(read_checkpoint(folder / "last.ckpt")["state_dict"]["images_seen"]) == 48
    assert (folder / "run-2.yaml").is_file()


@pytest.mark.slow
def test_a_stored_run_file_starts_a_run_of_its_own_once_it_is_converted(run, textgan):
    status, _, err = textgan("fit", "--config", f"{run('gan')}/run.yaml", "--run_dir", "again")
    assert status == 2
    assert "earlier release; convert it: textgan convert" in err
    assert textgan("convert", f"{run('gan')}/run.yaml", "new.yaml")[0] == 0
    status, _, err = textgan("fit", "--config", "new.yaml", "--run_dir", "again")
    assert status == 0, err
    assert int(read_checkpoint("again/last.ckpt")["state_dict"]["images_seen"]) == 32


def test_a_stored_pipeline_is_measured(run, textgan):
    words = ["model=pipeline", f"model.path={run('gan')}/pipeline", "image_size=16"]
    sizes = ["data.test_size=4", "data.batch_size=4"]
    status, out, err = textgan("test", *words, *sizes, "metric=[sharpness]")
    assert status == 0, err
    assert "test/sharpness" in out
