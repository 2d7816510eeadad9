"""Run folders: their names, their records, and checks against overwriting them."""

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
    """Return runs/<date>/<time> below the current directory, as in `conf/config.yaml`."""
    return Path(datetime.now().strftime(_NAMES))


def continued_run(verb: str, checkpoint: str | None) -> Path | None:
    """Return the run folder in which training from a checkpoint continues; None for a new run."""
    folder = Path(checkpoint).resolve().parent if checkpoint and verb == "fit" else None
    return folder if folder is not None and (folder / "run.yaml").is_file() else None


def refuse_occupied(verb: str, folder: Path, checkpoint: str | None) -> None:
    """Raise ConfigError for a new run in the folder of an old run that has a checkpoint."""
    occupied = (folder / "run.yaml").is_file()
    if verb != "fit" or not occupied or continued_run(verb, checkpoint) == folder.resolve():
        return
    found = checkpoints(folder)
    if found and found[0].name.startswith("hpc_ckpt_") and "SLURM_JOB_ID" in os.environ:
        return  # a requeued job: Lightning continues from that file
    if found:
        raise ConfigError(
            f"{folder} holds a run: continue it with ckpt_path={found[0]}, or name another folder"
        )
    if (running := _trains_in(folder)) is not None:
        raise ConfigError(
            f"{folder} holds a run that process {running} is training: name another folder"
        )
    print(f"{folder} holds a run that ended before its first checkpoint: the run starts again")


def _trains_in(folder: Path) -> int | None:
    """Return the process of this machine that is writing into a run folder, or None."""
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
    """Turn an OSError inside the context into a ConfigError about the run folder.

    Args:
        folder: the run folder; None takes the file name of the error.
    """
    try:
        yield
    except OSError as error:
        place = folder or Path(error.filename or ".")
        blocks = next((p for p in (place, *place.parents) if p.exists() and not p.is_dir()), None)
        reason = error.strerror or str(error)
        why = f"{short(blocks)} is a file" if blocks else reason
        raise ConfigError(
            f"the run folder {short(place)} cannot be written ({why}): name another by "
            "hydra.run.dir=FOLDER or --run_dir FOLDER"
        ) from error


def free_name(path: Path) -> Path:
    """Return the path, with -2, -3 ... before its suffix if a file has that name already."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate


def discard(folder: Path, before: set[Path]) -> None:
    """Delete the records of a run that never started, and its folder if it is empty then.

    Files that it held before the run are kept. A folder that `new_run_folder` did not name belongs
    to the user, and is not deleted. Its log handlers are closed, because a later log line would
    find no folder.
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
    """Write environment.json, which with run.yaml records all that a repetition needs."""
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
        **{name: importlib.metadata.version(name) for name in packages},
    }
    path = free_name(folder / "environment.json")
    with whole(path) as beside:
        beside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def git_state() -> dict[str, Any] | str:
    """Return the commit of this code and whether it was changed, or "not a git checkout"."""
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
