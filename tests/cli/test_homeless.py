"""Users whom the system does not know, as in a container that runs as a number."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from textgan.errors import ConfigError
from textgan.file.feature_cache import FeatureCache, default_folder
from textgan.file.home import expanded, settle

VARIABLES = ("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME", "TEXTGAN_CACHE", "TEXTGAN_INVENTED_HOME")
AS_NOBODY = [
    *("setpriv", "--reuid", "54321", "--clear-groups"),
    *("--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"),  # to read the interpreter
]
is_root = os.name == "posix" and os.getuid() == 0
needs_setpriv = pytest.mark.skipif(
    not is_root or shutil.which("setpriv") is None, reason="needs root and setpriv"
)


@pytest.fixture
def unknown(monkeypatch):
    """A user without a name, without a home folder and without an entry in the system's list."""
    import pwd

    def no_such_user(_: object) -> None:
        raise KeyError("uid not found: 54321")

    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is as it was afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", no_such_user)


def test_such_a_user_is_given_a_name_and_an_empty_folder_that_libraries_may_fill(unknown):
    import getpass

    settle()
    assert getpass.getuser() == f"user{os.getuid()}"
    assert list(Path.home().iterdir()) == []
    shutil.rmtree(Path.home())


def test_no_path_of_ours_lies_in_that_folder(unknown):
    for _ in range(2):  # before it is there, and with it
        with pytest.raises(ConfigError, match="begins with the home folder, and this user"):
            expanded("~/a.png")
        assert expanded("~no_such_user/a") == "~no_such_user/a"
        assert expanded("a/~") == "a/~"
        assert default_folder() is None
        settle()
    shutil.rmtree(Path.home())


def test_a_named_cache_is_used_all_the_same(unknown, monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTGAN_CACHE", str(tmp_path))
    assert default_folder() == tmp_path / "features"


def test_a_cache_without_a_folder_keeps_nothing():
    cache, pixels = FeatureCache(None), torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    cache.put("net", "tap", pixels, torch.ones(2, 5))
    assert cache.get("net", "tap", pixels) is None


def test_a_user_with_a_home_keeps_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    settle()
    assert os.environ["HOME"] == str(tmp_path)
    assert expanded("~/a.png") == str(tmp_path / "a.png")


def run_as_nobody(folder: Path, *words: str) -> subprocess.CompletedProcess:
    folder.chmod(0o777)
    environment = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    command = [*AS_NOBODY, sys.executable, "-m", "textgan", *words]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


@needs_setpriv
def test_a_number_may_compose(tmp_path):
    done = run_as_nobody(tmp_path, "fit", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "image_size: 64" in done.stdout
    refused = run_as_nobody(tmp_path, "sample", "a red circle", "--out=~/a.png")
    assert refused.returncode == 2
    assert "textgan: ~/a.png begins with the home folder" in refused.stderr
    assert not (tmp_path / "~").exists()


@pytest.mark.slow
@needs_setpriv
def test_a_number_may_train_test_and_draw(tiny, tmp_path):
    loggers = "logger=[csv,tensorboard,wandb]"
    fitted = run_as_nobody(tmp_path, "fit", *tiny, loggers, "hydra.run.dir=run")
    assert fitted.returncode == 0, fitted.stderr
    tested = run_as_nobody(tmp_path, "test", "ckpt_path=run/last.ckpt", "metric=[sharpness]")
    assert tested.returncode == 0, tested.stderr
    drawn = run_as_nobody(tmp_path, "sample", "a red circle", "--model", "run")
    assert drawn.returncode == 0, drawn.stderr
    assert not (tmp_path / "~").exists()
