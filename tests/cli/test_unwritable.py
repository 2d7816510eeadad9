"""A run folder that cannot be made is one sentence, whoever tries to make it."""

from pathlib import Path

import pytest

from textgan.errors import ConfigError
from textgan.run.folder import writing


def test_a_file_where_run_folders_are_made_is_named(refused, tiny):
    Path("runs").write_text("mine")
    err = refused("fit", *tiny)
    assert "(runs is a file): name another by hydra.run.dir=FOLDER or --run_dir FOLDER" in err
    assert Path("runs").read_text() == "mine"


def test_so_is_one_where_a_sweeps_folders_are_made(refused, tiny):
    Path("sweeps").touch()
    assert "sweeps is a file" in refused("fit", "-m", *tiny, "seed=0,1")


def test_a_folder_without_permission_is_named_with_the_systems_reason(tmp_path):
    folder = tmp_path / "a" / "b"
    denied = r"a/b cannot be written \(Permission denied\)"
    with pytest.raises(ConfigError, match=denied), writing(folder):
        raise PermissionError(13, "Permission denied", str(folder))
    with pytest.raises(ConfigError, match="No space left on device"), writing():
        raise OSError(28, "No space left on device", str(folder / "run.yaml"))
