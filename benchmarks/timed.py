"""Runs of `textgan` whose CPU seconds are measured, and results that are kept in files."""

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def typed(words: list[str]) -> str:
    """Return a command as a user would type it."""
    return shlex.join(["textgan", *words])


def run(words: list[str], folder: Path) -> float:
    """Run `textgan WORDS hydra.run.dir=FOLDER` in a new folder -> CPU seconds.

    Raises:
        RuntimeError: The command failed.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = [*words, f"hydra.run.dir={folder}"]
    print(typed(words), flush=True)
    began = _spent()
    log = folder.with_name(f"{folder.name}.log")
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "textgan", *words]
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        status = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, env=one_thread, check=False
        )
    if status.returncode:
        raise RuntimeError(f"{typed(words)} ended with status {status.returncode}: see {log}")
    return _spent() - began


def _spent() -> float:
    """Return the CPU seconds of all runs so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def once(path: Path, words: list[str], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON of a path with its command, and make it first if it does not exist.

    The folder of the encoders is not compared, so that the results may be moved.

    Raises:
        RuntimeError: The file belongs to another command.
    """
    command = typed([word for word in words if not word.startswith("encoders=")])
    if not path.is_file():
        found = {"command": command, **make()}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    found = json.loads(path.read_text(encoding="utf-8"))
    if (own := found.get("command")) != command:
        rule = f"{path} must belong to the command {command}"
        raise RuntimeError(f"{rule}, got {own}: move its folder to another place")
    return found


def images_in(
    seconds: float, words: list[str], folder: Path, *, runs: tuple[int, int] = (800, 4_000)
) -> int:
    """Return the number of images that fits into some seconds, by a line through two short runs.

    A run before them is not counted: what it computes once and keeps, such as the features of
    frozen encoders, would make the first of the two runs longer and the speed too high.

    Args:
        seconds: CPU seconds of one thread.
        words: the overrides of `textgan fit`.
        folder: where the speed is kept.
        runs: the images of the two short runs.
    """
    quiet = ["validate_every_images=0", "sample_every_images=0", "checkpoint_every_images=0"]

    def measure() -> dict[str, Any]:
        few, many = runs
        run(["fit", *words, *quiet, f"total_images={few}"], folder / "first")
        took = [
            run(["fit", *words, *quiet, f"total_images={images}"], folder / f"speed-{images}")
            for images in (few, many)
        ]
        if took[1] <= took[0]:
            raise RuntimeError(f"{few} and {many} images took {took} seconds: repeat them")
        speed = (many - few) / (took[1] - took[0])
        return {"images_per_second": speed, "start": took[0] - few / speed}

    any_seed = [word for word in words if not word.startswith("seed=")]
    found = once(folder / "speed.json", ["fit", *any_seed], measure)
    images = round((seconds - found["start"]) * found["images_per_second"], -2)
    if images < 1_000:
        raise RuntimeError(
            f"{seconds:.0f} seconds are too few: {typed(words)} sees {images:.0f} images"
        )
    return images
