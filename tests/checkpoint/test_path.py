import json
import os

import pytest

from textgan.checkpoint.path import checkpoints, find_checkpoint
from textgan.errors import ConfigError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Make a run folder: name, files with their age in seconds."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, **files: int) -> str:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.yaml").touch()
        for file, age in files.items():
            path = folder / f"{file}.ckpt"
            path.touch()
            os.utime(path, (1e9 - age, 1e9 - age))
        return name

    return make


def test_a_file_is_itself_and_a_run_folder_its_last_checkpoint(run):
    assert find_checkpoint(f"{run('a', last=0, best=0)}/best.ckpt") == "a/best.ckpt"
    assert find_checkpoint("a") == "a/last.ckpt"
    assert find_checkpoint(run("b", best=0)) == "b/best.ckpt"
    assert find_checkpoint(run("c", hpc_ckpt_1=9, hpc_ckpt_2=3)) == "c/hpc_ckpt_2.ckpt"


def test_last_and_best_are_those_of_the_newest_run_that_has_one(run):
    run("runs/1/one", last=20, best=10)
    run("runs/1/two", last=10, best=20)
    run("runs/1/three")
    run("elsewhere", last=0)
    assert find_checkpoint("last") == "runs/1/two/last.ckpt"
    assert find_checkpoint("best") == "runs/1/one/best.ckpt"


def test_a_file_named_last_goes_before_the_word(run, tmp_path):
    run("runs/1/one", last=0)
    (tmp_path / "last").touch()
    assert find_checkpoint("last") == "last"


@pytest.mark.parametrize("given", ["a", "a/last.ckpt", "a/best.ckpt"])
def test_a_run_that_wrote_none_says_how_it_was_begun(given, run, tmp_path):
    run("a")
    said = "the run in a ended before its first checkpoint was written; start it again"
    with pytest.raises(ConfigError, match=f"^{said}$"):
        find_checkpoint(given)
    command = ["textgan", "fit", "data.root=my pictures"]
    (tmp_path / "a/environment.json").write_text(json.dumps({"command": command}))
    with pytest.raises(ConfigError) as error:
        find_checkpoint(given)
    assert str(error.value) == f"{said} with: textgan fit 'data.root=my pictures' hydra.run.dir=a"


def test_what_is_no_run_is_said(run, tmp_path):
    with pytest.raises(ConfigError, match=r"needs a run below ./runs with a last.ckpt"):
        find_checkpoint("last")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="and empty holds no run"):
        find_checkpoint("empty")
    assert find_checkpoint("nowhere/last.ckpt") == "nowhere/last.ckpt"
    assert checkpoints(tmp_path / "empty") == []
