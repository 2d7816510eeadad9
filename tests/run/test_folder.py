import json
import logging
import platform
import subprocess
import sys

import pytest

from textgan.errors import ConfigError
from textgan.run.folder import (
    continued_run,
    discard,
    free_name,
    new_run_folder,
    refuse_occupied,
    write_environment,
)


def test_names_are_never_used_twice(tmp_path):
    path = tmp_path / "run.yaml"
    names = []
    for _ in range(3):
        names.append(free_name(path).name)
        free_name(path).touch()
    assert names == ["run.yaml", "run-2.yaml", "run-3.yaml"]
    assert new_run_folder() != new_run_folder()


def test_only_training_goes_on_in_the_folder_of_its_checkpoint(tmp_path):
    (tmp_path / "last.ckpt").touch()
    checkpoint = str(tmp_path / "last.ckpt")
    assert continued_run("fit", checkpoint) is None
    (tmp_path / "run.yaml").touch()
    assert continued_run("fit", checkpoint) == tmp_path
    assert continued_run("test", checkpoint) is None
    assert continued_run("fit", None) is None
    refuse_occupied("fit", tmp_path, checkpoint)
    refuse_occupied("test", tmp_path, None)
    with pytest.raises(ConfigError, match="holds a run: continue it with ckpt_path="):
        refuse_occupied("fit", tmp_path, None)


def test_a_run_begins_anew_where_one_ended_before_its_first_checkpoint(tmp_path, capsys):
    (tmp_path / "run.yaml").touch()
    refuse_occupied("fit", tmp_path, None)
    assert "ended before its first checkpoint: the run starts again" in capsys.readouterr().out
    write_environment(tmp_path, ["textgan", "fit"], 0)
    refuse_occupied("fit", tmp_path, None)  # this process wrote it


def test_a_run_does_not_begin_where_another_process_trains(tmp_path):
    (tmp_path / "run.yaml").touch()
    words = [sys.executable, "-c", "print('begun', flush=True); input()", "textgan"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as other:
        assert other.stdout.readline() == b"begun\n"
        record = {"process": other.pid, "host": platform.node()}
        (tmp_path / "environment.json").write_text(json.dumps(record))
        with pytest.raises(
            ConfigError, match=f"that process {other.pid} is training: name another"
        ):
            refuse_occupied("fit", tmp_path, None)
        other.kill()
    refuse_occupied("fit", tmp_path, None)


def test_a_job_that_slurm_requeued_begins_in_its_folder(tmp_path, monkeypatch):
    for name in ("run.yaml", "hpc_ckpt_1.ckpt"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=r"continue it with ckpt_path=.*hpc_ckpt_1.ckpt"):
        refuse_occupied("fit", tmp_path, None)
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    refuse_occupied("fit", tmp_path, None)


def test_a_discarded_folder_is_logged_to_no_more(tmp_path):
    folder = tmp_path / "runs/2026-11-26/23-59-59-000000"
    folder.mkdir(parents=True)
    gone, kept = (
        logging.FileHandler(file, delay=True)
        for file in (folder / "textgan.log", tmp_path / "x.log")
    )
    root = logging.getLogger()
    root.addHandler(gone)
    root.addHandler(kept)
    try:
        discard(folder, set())
        assert gone not in root.handlers
        assert kept in root.handlers
        assert not folder.exists()
    finally:
        root.removeHandler(kept)
        root.removeHandler(gone)


def test_discarding_removes_only_what_is_new_and_ours(tmp_path):
    folder = tmp_path / new_run_folder()
    folder.mkdir(parents=True)
    for name in ("run.yaml", "environment.json"):
        (folder / name).touch()
    discard(folder, set())
    assert list((tmp_path / "runs").iterdir()) == []
    folder.mkdir(parents=True)
    (folder / "run.yaml").touch()
    before = set(folder.iterdir())
    for name in ("run-2.yaml", "mine.txt"):
        (folder / name).touch()
    discard(folder, before)
    assert sorted(path.name for path in folder.iterdir()) == ["mine.txt", "run.yaml"]


def test_discarding_leaves_a_folder_that_the_user_named(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "run.yaml").touch()
    discard(folder, set())
    assert list(tmp_path.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


def test_the_environment_names_versions_seed_and_commit(tmp_path):
    write_environment(tmp_path, ["textgan", "fit"], 7)
    record = json.loads((tmp_path / "environment.json").read_text())
    assert record["seed"] == 7
    assert {"torch", "pytorch-lightning", "python", "platform", "textgan"} <= record.keys()
    assert record["git"] == "not a git checkout" or {"commit", "dirty"} == record["git"].keys()
