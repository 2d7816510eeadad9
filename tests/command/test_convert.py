"""Files of an earlier release, rewritten for this one."""

from pathlib import Path

import pytest
import torch
import yaml

from textgan.checkpoint.reading import FORMAT_VERSION, read_checkpoint

OLD = Path(__file__).parents[1] / "fixtures" / "format_6"


@pytest.mark.parametrize("name", ["gan", "contrastive"])
def test_a_checkpoint_has_this_release_s_format_and_the_same_weights(textgan, name):
    old = OLD / name / "last.ckpt"
    status, out, err = textgan("convert", str(old), "folder/new.ckpt")
    assert status == 0, err
    assert out == "next: textgan fit ckpt_path=folder/new.ckpt\n"
    raw = torch.load("folder/new.ckpt", weights_only=True)
    assert raw["textgan"]["format_version"] == FORMAT_VERSION
    assert raw["textgan"]["config"]["model"]["budget"]["ema_half_life_images"] == 8
    before = torch.load(old, weights_only=True)["state_dict"]
    assert all(torch.equal(raw["state_dict"][key], value) for key, value in before.items())
    components = read_checkpoint("folder/new.ckpt")["textgan"]["components"]
    assert all(place == f"ema.averaged.{part}" for part, place in components.items())


def test_a_run_yaml_can_be_run_again(textgan):
    status, out, err = textgan("convert", str(OLD / "gan" / "run.yaml"), "new.yaml")
    assert status == 0, err
    assert out == "next: textgan fit --config new.yaml\n"
    budget = yaml.safe_load(Path("new.yaml").read_text())["model"]["init_args"]["budget"]
    assert budget["warmup_images"] == 0
    status, _, err = textgan("fit", "--config", "new.yaml", "--print_config")
    assert status == 0, err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.ckpt", "new.ckpt"], "'none.ckpt' must be a .ckpt file or a run.yaml"),
        ([str(OLD / "gan" / "circle.png"), "new.ckpt"], "is no checkpoint, or was cut short"),
        ([str(OLD / "gan" / "run.yaml"), "."], "'.' exists already: name a new file"),
        (["list.yaml", "new.ckpt"], "list.yaml must be a run.yaml: a mapping with a model"),
    ],
)
def test_what_cannot_be_converted_is_a_sentence(refused, words, said):
    Path("list.yaml").write_text("[1, 2]")
    err = refused("convert", *words)
    assert said in err
    assert not Path("new.ckpt").exists()
