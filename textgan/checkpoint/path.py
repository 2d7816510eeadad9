"""Find the checkpoint that `ckpt_path` refers to: a file, a run folder, or the newest run."""

import shlex
from pathlib import Path

from textgan.errors import ConfigError
from textgan.file.limits import Limits, read_json

_NAMES = ("last", "best")
_RUNS = "runs"


def find_checkpoint(given: str) -> str:
    """Find the checkpoint that a value of `ckpt_path` refers to.

    Args:
        given: a file; a run folder, whose `last.ckpt` is taken; or, as in Lightning, the word
            "last" or "best", for the newest `last.ckpt` or `best.ckpt` below ./runs.

    Returns:
        A path. If no rule applies, it is `given`, whether or not that file exists.

    Raises:
        ConfigError: the run, or every run below ./runs, lacks such a checkpoint.
    """
    path = Path(given)
    if path.is_file():
        return given
    if path.is_dir():
        if found := checkpoints(path):
            return str(found[0])
        if not _is_run(path):
            rule = "ckpt_path must be a checkpoint or a run folder"
            raise ConfigError(f"{rule}, and {path} holds no run")
        raise ConfigError(_never_written(path))
    if given in _NAMES:
        return str(_newest(f"{given}.ckpt"))
    if path.stem in _NAMES and not checkpoints(path.parent) and _is_run(path.parent):
        raise ConfigError(_never_written(path.parent))
    return given


def checkpoints(folder: Path) -> list[Path]:
    """List the checkpoints from which a run in this folder can be resumed, the best one first."""
    names = [folder / f"{name}.ckpt" for name in _NAMES]
    of_slurm = sorted(folder.glob("hpc_ckpt_*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
    return [*(path for path in names if path.is_file()), *reversed(of_slurm)]


def _newest(name: str) -> Path:
    found = sorted(Path(_RUNS).rglob(name), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        word = name.removesuffix(".ckpt")
        raise ConfigError(f"ckpt_path={word} needs a run below ./{_RUNS} with a {name}")
    return found[-1]


def _is_run(folder: Path) -> bool:
    return (folder / "run.yaml").is_file()


def _never_written(folder: Path) -> str:
    reason = f"the run in {folder} ended before its first checkpoint was written; start it again"
    command = _command_of(folder)
    return f"{reason} with: {command}" if command else reason


def _command_of(folder: Path) -> str | None:
    """The command line that starts the run in this folder again, or None if it is not known."""
    try:
        words = read_json(folder / "environment.json", limits=Limits(values=10_000))["command"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    named = any(word.startswith(("hydra.run.dir=", "--run_dir")) for word in words)
    options = any(word in ("--config", "-c") or word.startswith("--config=") for word in words)
    place = [f"--run_dir={folder}" if options else f"hydra.run.dir={folder}"]
    return shlex.join([*words, *([] if named else place)])
