"""Folders with any name go through run.yaml, processes, sweeps and a resumed run."""

import re
import shlex
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

NAME = "1e5 ünï (2) #1, it's=a&b"


@pytest.fixture
def words(tiny, tmp_path) -> list[str]:
    """A tiny training on a folder with that name, and on one that looks like a number."""
    for name in (NAME, "1e5"):
        folder = tmp_path / name
        folder.mkdir()
        for i in range(6):
            Image.effect_noise((20, 20), 99).convert("RGB").save(folder / f"{i}.png")
            (folder / f"{i}.txt").write_text(f"red number {i}\n", encoding="utf-8")
    own = [word for word in tiny if not re.match(r"data(\.(val|test|train)_size)?=", word)]
    return ["fit", *own, "data=folder"]


def root_of(run: str) -> str:
    return yaml.safe_load(Path(run, "run.yaml").read_text("utf-8"))["data"]["init_args"]["root"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAME, pytest.param("1e5", marks=pytest.mark.slow)])
def test_a_run_goes_on_and_is_drawn_from(name, words, textgan):
    run = f"run {name}"
    status, out, err = textgan(*words, f"data.root={name}", f"hydra.run.dir={run}")
    assert status == 0, err
    assert root_of(run) == name
    (advice,) = [line for line in out.splitlines() if line.startswith("next: ")]
    assert shlex.split(advice)[-1] == f"{run}/pipeline"
    status, _, err = textgan("fit", f"ckpt_path={run}/last.ckpt", "total_images=40")
    assert status == 0, err
    checkpoint = torch.load(f"{run}/last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 40
    assert checkpoint["textgan"]["config"]["data"]["root"] == name
    Path(name, "new.txt").write_text("a red thing\n", encoding="utf-8")
    asked = ["--ckpt_path", f"{run}/last.ckpt", "--captions_file", f"{name}/new.txt"]
    status, _, err = textgan("predict", *asked, "--run_dir", f"drawn {name}")
    assert status == 0, err
    assert [*Path(f"drawn {name}", "predictions").glob("*.png")]


@pytest.mark.slow
def test_two_processes_and_a_file_alone_read_the_same_folder(words, textgan):
    ddp = ["trainer=ddp_cpu", "data.batch_size=2", "hydra.run.dir=ünï,1"]
    status, _, err = textgan(*words, f"data.root={NAME}", *ddp)
    assert status == 0, err
    assert root_of("ünï,1") == NAME
    status, _, err = textgan("fit", "--config", "ünï,1/run.yaml", "--run_dir", "1e5 again")
    assert status == 0, err
    assert root_of("1e5 again") == NAME


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_sweep_goes_over_folders(launcher, words, textgan):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    sweep = ["-m", f"hydra/launcher={launcher}", "hydra.sweep.dir=ünï #2"]
    status, _, err = textgan(*words, f'data.root="{NAME}",1e5', *sweep)
    assert status == 0, err
    assert [root_of(f"ünï #2/{job}") for job in (0, 1)] == [NAME, "1e5"]
