"""A VAE-GAN of 24 px from training to samples, and its checkpoint with arguments of format 7."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from textgan.checkpoint.reading import FORMAT_VERSION, read_checkpoint
from textgan.pipeline import GANPipeline

PARTS = ("generator", "discriminator", "posterior")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny) -> Path:
    """A run folder after two steps at 24 px."""
    from textgan.cli.main import main

    folder = tmp_path_factory.mktemp("run_24") / "run"
    words = [word for word in tiny if not word.startswith(("image_size", "total_images"))]
    words += ["image_size=24", "total_images=16", "metric=[sharpness]"]
    assert main(["fit", *words, f"hydra.run.dir={folder}"]) == 0
    return folder


def as_format_7(run: Path, file: Path) -> None:
    """Write a run's checkpoint with the arguments that its parts had in format 7."""
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    ours = checkpoint["textgan"]
    ours["format_version"] = 7
    model, links = ours["config"]["model"], ours["config"]["composition"]["links"]
    for node in (*(model[part] for part in PARTS), ours["pipeline"]["generator"]):
        node["channels"], node["image_size"], _ = node.pop("sample_shape")
    for part in PARTS:
        assert links.pop(f"model.{part}.sample_shape").count("${image_size}") == 2
        for name in ("image_size", "channels"):
            links[f"model.{part}.{name}"] = f"${{{name}}}"
    torch.save(checkpoint, file)


def test_its_pipeline_samples_images_of_24_pixels(trained):
    pipeline = GANPipeline.from_pretrained(trained / "pipeline")
    images = pipeline(["a red circle", "a star"], output_type="pt").images
    assert images.shape == (2, 3, 24, 24)
    assert pipeline.image_size == 24
    assert pipeline.attention("a red circle")[0].map.shape == (24, 24)


def test_its_saved_arguments_may_be_those_of_the_first_format(trained, tmp_path):
    pipeline = GANPipeline.from_pretrained(trained / "pipeline")
    pipeline.save_pretrained(tmp_path)
    header = json.loads((tmp_path / "config.json").read_text())
    generator = header["part"]["generator"]
    generator["channels"], generator["image_size"], _ = generator.pop("sample_shape")
    del generator["bounded"]
    content = json.dumps({"format_version": 1, "part": header["part"]})
    (tmp_path / "config.json").write_text(content)
    again = GANPipeline.from_pretrained(tmp_path)
    assert again.config() == pipeline.config()


def test_a_checkpoint_of_format_7_is_tested_converted_and_resumed(trained, textgan, tmp_path):
    as_format_7(trained, tmp_path / "old.ckpt")
    status, out, err = textgan("test", "ckpt_path=old.ckpt", "metric=[sharpness]")
    assert status == 0, err
    assert "test/sharpness" in out
    assert textgan("convert", "old.ckpt", "new.ckpt")[0] == 0
    new, ours = (read_checkpoint(file)["textgan"] for file in ("new.ckpt", trained / "last.ckpt"))
    raw = torch.load("new.ckpt", weights_only=True)["textgan"]
    assert raw["format_version"] == ours["format_version"] == FORMAT_VERSION
    assert raw["pipeline"] == new["pipeline"] == ours["pipeline"]
    assert new["config"] == ours["config"]
    status, _, err = textgan("fit", "ckpt_path=new.ckpt", "total_images=24", "hydra.run.dir=next")
    assert status == 0, err
    assert int(read_checkpoint("next/last.ckpt")["state_dict"]["images_seen"]) == 24


def test_another_size_beside_a_checkpoint_reaches_every_part_and_the_data(trained, textgan):
    words = [f"ckpt_path={trained}/last.ckpt", "image_size=40", "--cfg", "job", "--resolve"]
    status, out, err = textgan("fit", *words)
    assert status == 0, err
    config = yaml.safe_load(out)
    assert config["data"]["image_size"] == 40
    for part in PARTS:
        assert config["model"][part]["sample_shape"] == [3, 40, 40]
