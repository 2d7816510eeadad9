"""What a run folder is called and what it says of itself."""

import importlib.metadata
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import textgan
from textgan.checkpoint.path import checkpoints
from textgan.errors import ConfigError
from textgan.file.atomic import whole
from textgan.file.home import short
from textgan.file.limits import Limits, read_json

_NAMES = "runs/%Y-%m-%d/%H-%M-%S-%f"


def new_run_folder() -> Path:
    """runs/<date>/<time> below the current directory, as `conf/config.yaml` has it too."""
    return Path(datetime.now().strftime(_NAMES))


def continued_run(verb: str, checkpoint: str | None) -> Path | None:
    """The folder that training from a checkpoint goes on in; None where it begins a new run."""
    folder = Path(checkpoint).resolve().parent if checkpoint and verb == "fit" else None
    return folder if folder is not None and (folder / "run.yaml").is_file() else None


def refuse_occupied(verb: str, folder: Path, checkpoint: str | None) -> None:
    """Keep a new run out of the folder of an old one, unless that one left nothing to go on with.

    Raises:
        ConfigError: training would begin in a folder that holds a run, without going on with it.
    """
    occupied = (folder / "run.yaml").is_file()
    if verb != "fit" or not occupied or continued_run(verb, checkpoint) == folder.resolve():
        return
    found = checkpoints(folder)
    if found and found[0].name.startswith("hpc_ckpt_") and "SLURM_JOB_ID" in os.environ:
        return  # a requeued job: Lightning goes on from that file
    if found:
        raise ConfigError(
            f"{folder} holds a run: go on with ckpt_path={found[0]}, or name another folder"
        )
    if (running := _trains_in(folder)) is not None:
        raise ConfigError(
            f"{folder} holds a run that process {running} trains: name another folder"
        )
    print(f"{folder} holds a run that ended before its first checkpoint: it begins anew")


def _trains_in(folder: Path) -> int | None:
    """The process of this machine that writes into a run folder now, if there is one."""
    for file in folder.glob("environment*.json"):
        try:
            record = read_json(file, limits=Limits(values=10_000))
            process, host = int(record["process"]), record["host"]
            words = Path(f"/proc/{process}/cmdline").read_bytes()
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if host == platform.node() and process != os.getpid() and b"textgan" in words:
            return process
    return None


@contextmanager
def writing(folder: Path | None = None) -> Iterator[None]:
    """Within it a run folder is made, or its first files are written.

    Args:
        folder: the run folder; None takes what could not be made for it.

    Raises:
        ConfigError: that fails.
    """
    try:
        yield
    except OSError as error:
        place = folder or Path(error.filename or ".")
        blocks = next((p for p in (place, *place.parents) if p.exists() and not p.is_dir()), None)
        reason = error.strerror or str(error)
        why = f"{short(blocks)} is a file" if blocks else reason
        raise ConfigError(
            f"the run folder {short(place)} cannot be written, as {why}: name another by "
            "hydra.run.dir=FOLDER or --run_dir FOLDER"
        ) from error


def free_name(path: Path) -> Path:
    """The path, or with -2, -3 ... before its suffix where a file has that name already."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate


def discard(folder: Path, before: set[Path]) -> None:
    """Take away what a run that never began wrote about itself, and its folder if empty then.

    A folder that `new_run_folder` did not name is the user's, and stays. Nothing is logged there
    any more: what the process logs later would find no folder.

    Args:
        folder: the run folder.
        before: what was in it before.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        file = getattr(handler, "baseFilename", None)
        if file is not None and Path(file).parent == folder.absolute():
            root.removeHandler(handler)
            handler.close()
    for pattern in ("run*.yaml", "hparams.yaml", "environment*.json", "textgan.log"):
        for path in set(folder.glob(pattern)) - before:
            path.unlink()
    named = Path(*folder.absolute().parts[-3:])
    try:
        datetime.strptime(str(named), _NAMES)
    except ValueError:
        return
    for emptied in (folder, folder.parent):
        if emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()


def write_environment(folder: Path, command: list[str], seed: Any) -> None:
    """Write environment.json: what one needs beside run.yaml to get the same numbers again."""
    packages = ("torch", "pytorch-lightning", "torchmetrics", "transformers", "numpy")
    record = {
        "command": command,
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "seed": seed,
        "git": git_state(),
        "textgan": textgan.__version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "host": platform.node(),
        "process": os.getpid(),
        **{name: _version(name) for name in packages},
    }
    path = free_name(folder / "environment.json")
    with whole(path) as beside:
        beside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def git_state() -> dict[str, Any] | str:
    """Commit of the code that runs and whether it was changed since, or "not a git checkout"."""
    folder = Path(__file__).parent
    inside = _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
    commit = _git(folder, "rev-parse", "HEAD")
    if inside is None or commit is None:
        return "not a git checkout"
    return {
        "commit": commit,
        "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
    }


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
