"""Options that Hydra can compose become overrides, so that what hangs on them follows."""

import pytest
import yaml

from textgan.run.words import split


def test_intervals_follow_options(composed):
    found = composed("fit", "--data.batch_size", "8", "--trainer.devices=2")
    assert found["trainer"]["val_check_interval"] == 100_000 // 16
    assert found == composed("fit", "data.batch_size=8", "trainer.devices=2")


@pytest.mark.parametrize(
    ("verb", "options", "overrides"),
    [
        ("fit", ["--data", "folder", "--data.root", "my/a"], "data=folder data.root=my/a"),
        ("fit", ["--trainer", "ddp_cpu", "--seed", "3"], "trainer=ddp_cpu seed=3"),
        ("test", ["--model", "pipeline", "--model.path", "P"], "model=pipeline model.path=P"),
        ("validate", ["--model", "pipeline", "--model.path=P"], "model=pipeline model.path=P"),
        (
            "predict",
            ["--model", "pipeline", "--model.path", "P", "--captions_file", "c.txt"],
            "model=pipeline model.path=P captions_file=c.txt",
        ),
        ("fit", ["--model.posterior", "null"], "model.posterior=null"),
        ("fit", ["--trainer.devices", "0,2"], "trainer.devices='0,2'"),
        ("fit", ["--model.generator.num_heads", "2"], "model.generator.num_heads=2"),
        ("fit", ["--data.colours", "[red, blue]"], "data.colours=[red,blue]"),
    ],
    ids=str,
)
def test_each_verb_takes_an_option_as_the_override(verb, options, overrides, composed):
    assert composed(verb, *options) == composed(verb, *overrides.split())


def test_class_paths_stay_lightnings(textgan):
    status, out, err = textgan(
        *["fit", "--data", "textgan.data.shapes.Shapes", "--data.batch_size", "4"],
        *["--model.generator", "textgan.generator.AttentionGenerator"],
        *["--model.generator.width", "12", "--trainer.logger", "false", "--print_config"],
    )
    assert status == 0, err
    config = yaml.safe_load(out[out.index("seed_everything:") :])
    assert config["data"]["init_args"]["batch_size"] == 4
    assert config["model"]["init_args"]["generator"]["init_args"]["width"] == 12
    assert config["trainer"]["logger"] is False


def test_home_folders_are_found_beside_a_file_too(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    words = split(["--config=~/run.yaml", "--run_dir", "~/r", "--data.crop", "~", "--a", "b~/c"])
    expected = "--config=/home/me/run.yaml --run_dir /home/me/r --data.crop ~ --a b~/c"
    assert words.with_home_folders() == expected.split()


def test_home_folders_are_found_in_every_path(composed, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    words = ["data=folder", "data.root=~/p", "--captions_file=~/c.txt", "data.exclude=~/e.txt"]
    found = composed("fit", *words, "encoders=~/CLIP/pipeline", "data.background=~")
    assert found["data"]["root"] == "/home/me/p"
    assert found["captions_file"] == "/home/me/c.txt"
    assert found["data"]["exclude"] == "/home/me/e.txt"
    assert found["encoders"] == "/home/me/CLIP/pipeline"
    assert found["data"]["background"] == "~", "a colour is no path"
    found = composed("fit", "data=folder", "data.root=~nobody_here/p")
    assert found["data"]["root"] == "~nobody_here/p"
    found = composed("fit", "data=folder", "data.root='~/p'")
    assert found["data"]["root"] == "~/p", "quotes keep what they hold"
