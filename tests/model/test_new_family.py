"""A family that textgan does not know is trained, resumed, saved, sampled from and evaluated."""

import importlib
from pathlib import Path

import pytest
import torch

from textgan.callback.checkpoint import Checkpoint
from textgan.metric import Sharpness
from textgan.training.budget import Budget
from textgan.training.checkpoint import load_pipeline

TRUST = ("toy_family",)


@pytest.fixture
def family(monkeypatch):
    """The module, in a folder from where Python imports."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "fixtures"))
    return importlib.import_module("toy_family")


def made(family, total_images: int = 24, **options: object):
    torch.manual_seed(0)
    return family.ToyModel(budget=Budget(total_images, accumulate_batches=1), **options)


def test_it_learns_and_a_resumed_run_is_bitwise_the_whole_one(family, data, trainer, tmp_path):
    whole = made(family)
    trainer(enable_checkpointing=False).fit(whole, data())
    assert int(whole.images_seen) == 24
    half = made(family)
    short = trainer(Checkpoint(every_images=0), max_steps=3)
    short.fit(half, data())
    again = made(family)
    path = tmp_path / "last.ckpt"
    trainer(enable_checkpointing=False).fit(again, data(), ckpt_path=path, weights_only=True)
    ours, theirs = again.state_dict(), whole.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    before = made(family).decoder.linear.weight
    assert not torch.equal(whole.decoder.linear.weight, before)


def test_its_checkpoint_is_a_pipeline_that_the_commands_know(
    family, data, trainer, tmp_path, textgan
):
    model = made(family)
    trainer(Checkpoint(every_images=0)).fit(model, data())
    path, shown = tmp_path / "last.ckpt", {"seed": 3, "output_type": "pt"}
    expected = model.pipeline()("a cat", **shown).images
    loaded = load_pipeline(path, trust=TRUST)
    assert torch.equal(loaded("a cat", **shown).images, expected)
    loaded.save_pretrained(tmp_path / "saved")
    again = family.ToyPipeline.from_pretrained(tmp_path / "saved", trust=TRUST)
    assert torch.equal(again("a cat", **shown).images, expected)
    words = ["a cat", "--model", str(path), "--trust", *TRUST, "--out", "cat.png"]
    status, _, err = textgan("sample", *words)
    assert status == 0, err
    assert Path("cat.png").exists()
    with pytest.raises(ValueError, match="--trust toy_family"):
        load_pipeline(path)


def test_it_is_evaluated_as_every_model(family, data, trainer):
    model = made(family, metrics={"sharpness": Sharpness()})
    (values,) = trainer().test(model, data(), verbose=False)
    assert any(name.startswith("test/sharpness") for name in values)
    report = model.report(source="toy")
    assert report.model["source"] == "toy"
    assert {number["metric"] for number in report.numbers.values()} == {"sharpness"}
