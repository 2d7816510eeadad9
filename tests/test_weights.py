"""What the bundled models promise."""

import json
import os

import pytest
import torch

from textgan.app.examples import examples
from textgan.command._bundled import nearest
from textgan.data import Folder, Shapes
from textgan.metric import ShapeAlignment
from textgan.pipeline import GANPipeline
from textgan.pretrained.frozen import weights_hash
from textgan.types import Evaluation
from textgan.weights import BUNDLED, EMOJI, SHAPES


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


def test_the_emoji_model_carries_what_it_was_measured_as():
    emoji = GANPipeline.from_pretrained(EMOJI)
    assert (EMOJI / "model.safetensors").stat().st_size < 16e6
    evaluation = json.loads((EMOJI / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["model"]["weights_sha256"] == weights_hash(emoji)
    card = (EMOJI / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert "Noto Emoji (Google" in card
    assert "textgan fit experiment=emoji64" in card
    assert "from_pretrained(EMOJI)" in card
    assert "training captions" in card
    assert (EMOJI / "grid.png").is_file()
    assert "construction worker with dark skin tone" in examples(EMOJI)


def test_emoji_are_recognised_by_their_nearest_real_image():
    root = os.environ.get("TEXTGAN_DATA")
    if root is None:
        pytest.skip("TEXTGAN_DATA names no folder with emoji-noto")
    emoji = GANPipeline.from_pretrained(EMOJI)
    data = Folder(f"{root}/emoji-noto", captions_file="captions.jsonl", batch_size=100)
    batches = [*data.each_process("train", limit=600)]
    real = torch.cat([batch.images for batch in batches])
    captions = [caption for batch in batches for caption in batch.captions][::6]
    samples = emoji(captions, output_type="pt").images
    found = torch.cdist(samples.flatten(1), real.flatten(1)).argmin(1)
    right = (found == torch.arange(0, len(real), 6)).float().mean()
    assert right > 0.9


def test_a_model_is_found_by_its_words():
    assert nearest(["a small green star below a large red ring on a white background"]) == SHAPES
    assert nearest(["woman running with medium skin tone", "pizza"]) == EMOJI
    assert nearest([]) == SHAPES
    assert {"shapes": SHAPES, "emoji": EMOJI} == BUNDLED
