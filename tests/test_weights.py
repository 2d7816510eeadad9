"""What the bundled model promises."""

import json

import pytest
import torch

from textgan.app.examples import examples
from textgan.data import Shapes
from textgan.metric import ShapeAlignment
from textgan.pipeline import GANPipeline
from textgan.pretrained.frozen import weights_hash
from textgan.types import Evaluation
from textgan.weights import SHAPES


@pytest.fixture(scope="module")
def pipeline() -> GANPipeline:
    return GANPipeline.from_pretrained(SHAPES)


def test_it_is_small_and_carries_what_it_was_measured_as(pipeline):
    assert (SHAPES / "model.safetensors").stat().st_size < 16e6
    evaluation = json.loads((SHAPES / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["model"]["weights_sha256"] == weights_hash(pipeline)
    card = (SHAPES / "README.md").read_text(encoding="utf-8")
    assert "license: mit" in card
    assert "textgan fit experiment=demo" in card
    assert "from_pretrained(SHAPES)" in card
    assert (SHAPES / "grid.png").is_file()
    assert len(examples(SHAPES)) >= 4


def test_it_draws_what_unseen_captions_say(pipeline):
    data = Shapes(image_size=32, batch_size=50, spread=0.5, test_size=100)
    alignment = ShapeAlignment()
    for batch in data.test_dataloader():
        draws = pipeline(batch.captions, indices=batch.index.tolist(), output_type="pt").images
        alignment.update(Evaluation(batch.captions, None, draws[:, None]))
    assert alignment.compute()["all"] >= 0.95


def test_the_same_pixels_come_back_after_saving(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path / "saved")
    again = GANPipeline.from_pretrained(tmp_path / "saved")
    caption = "a small blue star on a black background"
    ours, theirs = (p(caption, output_type="pt").images for p in (pipeline, again))
    assert torch.equal(ours, theirs)
