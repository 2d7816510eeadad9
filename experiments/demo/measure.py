"""Compare the demo's recipe with its pixel part, which has no discriminator, over seeds.

    python experiments/demo/measure.py --seeds 0 1 2

There are three arms: `whole` is experiment=demo; `pixels` is the same without a discriminator, on
the same number of images; `pixels_equal_seconds` has the number of images that fits into the
seconds of `whole` with that seed. Each arm is trained and tested by the command line. The seconds
are those of `textgan fit`, with start and validation. A finished run leaves <arm>-seed<seed>.json
and is not run again, so the command can be stopped and repeated; an unfinished run starts again.
The results are table.md and results.json, which are written after each run.
"""

import argparse
import csv
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

PIXELS = [
    "discriminator=null",
    "augmentation=null",
    "loss=[reconstruction,kl_falling]",
    "data.negatives=0",
]
ARMS = {"whole": [], "pixels": PIXELS, "pixels_equal_seconds": PIXELS}
COLUMNS = {
    "all right": "test/shape_alignment/all",
    "seen pairs": "test/shape_alignment/all_seen",
    "held-out pairs": "test/shape_alignment/all_held_out",
    "one object": "test/shape_alignment/all_one",
    "two objects": "test/shape_alignment/all_two",
    "colour": "test/shape_alignment/colour",
    "shape": "test/shape_alignment/shape",
    "size": "test/shape_alignment/size",
    "count": "test/shape_alignment/count",
    "background": "test/shape_alignment/background",
    "relation": "test/shape_alignment/relation",
    "diversity": "test/shape_diversity/diversity",
    "sharpness": "test/sharpness",
}

Result = dict[str, Any]


class CommandError(RuntimeError):
    """The exit status of a command is not 0."""


def run(words: list[str], log: Path) -> dict[str, float]:
    """Run `textgan WORDS` with its output in a file -> wall-clock and CPU seconds.

    Raises:
        CommandError: The command failed.
    """
    began, before = time.monotonic(), os.times()
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "textgan", *words]
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
    seconds, after = time.monotonic() - began, os.times()
    if status.returncode:
        raise CommandError(f"{typed(words)} ended with status {status.returncode}: see {log}")
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}


def typed(words: list[str]) -> str:
    """Return a command as a user would type it."""
    return shlex.join(["textgan", *words])


def read_metrics(folder: Path) -> tuple[int, dict[str, float]]:
    """Return the images seen and the metrics of a test, from its metrics.csv.

    Raises:
        ValueError: The file has no metrics of a test.
    """
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if any(k.startswith("test/") for k in row)]
    if not rows:
        raise ValueError(f"{folder / 'metrics.csv'} has no metrics of a test")
    values = {key: float(value) for key, value in rows[-1].items() if value}
    return int(values.pop("step")), values


def equal_seconds(out: Path, seed: int) -> int:
    """Return the number of images of `pixels` for the seconds of `whole`.

    Raises:
        ValueError: One of the two was not measured with this seed.
    """
    paths = [out / f"{arm}-seed{seed}.json" for arm in ("whole", "pixels")]
    for path in paths:
        if not path.is_file():
            raise ValueError(f"pixels_equal_seconds needs {path.stem} first, and {path} is missing")
    whole, pixels = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    return round(pixels["images"] * whole["seconds"] / pixels["seconds"])


def measure(arm: str, seed: int, overrides: list[str], out: Path) -> None:
    """Train and test an arm and write its JSON, unless that is done."""
    name = f"{arm}-seed{seed}"
    path, folder, trained = out / f"{name}.json", out / name, out / name / "fit.json"
    if path.is_file():
        return
    chosen = ["experiment=demo", f"seed={seed}", *ARMS[arm], *overrides]
    if arm == "pixels_equal_seconds":
        chosen.append(f"total_images={equal_seconds(out, seed)}")
    fit = ["fit", *chosen, f"hydra.run.dir={folder}"]
    test = ["test", f"ckpt_path={folder / 'last.ckpt'}", f"hydra.run.dir={folder / 'test'}"]
    if not trained.is_file():
        if folder.exists():
            shutil.rmtree(folder)
        print(typed(fit), flush=True)
        date = datetime.now().astimezone().isoformat(timespec="seconds")
        took = run(fit, out / f"{name}.fit.log")
        trained.write_text(json.dumps({"date": date, **took}), encoding="utf-8")
    if (folder / "test").exists():
        shutil.rmtree(folder / "test")
    print(typed(test), flush=True)
    run(test, out / f"{name}.test.log")
    took = json.loads(trained.read_text(encoding="utf-8"))
    images, metrics = read_metrics(folder / "test")
    result = {
        "arm": arm,
        "seed": seed,
        "command": [typed(fit), typed(test)],
        "images": images,
        "images_per_second": round(images / took["seconds"], 1),
        **took,
        "metrics": metrics,
    }
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def collect(out: Path) -> list[Result]:
    """Return all results of the folder, sorted by arm and seed, also those of earlier calls."""
    paths = [path for arm in ARMS for path in out.glob(f"{arm}-seed*.json")]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return sorted(results, key=lambda result: (list(ARMS).index(result["arm"]), result["seed"]))


def table(results: list[Result]) -> str:
    """Return a row for each run, and mean and deviation for each arm with several seeds."""
    heads = ["arm", "seed", "images", "seconds", "CPU seconds", "images/s", *COLUMNS]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for arm in ARMS:
        own = [result for result in results if result["arm"] == arm]
        lines += [_line(arm, str(result["seed"]), [result]) for result in own]
        if len(own) > 1:
            lines += [_line(arm, "mean", own), _line(arm, "deviation", own, statistics.stdev)]
    return "\n".join(lines) + "\n"


def _line(
    arm: str,
    seed: str,
    results: list[Result],
    of: Callable[[list[float]], float] = statistics.mean,
) -> str:
    images, seconds, cpu, speed = (
        f"{of([result[key] for result in results]):,.0f}"
        for key in ("images", "seconds", "cpu_seconds", "images_per_second")
    )
    cells = [arm, seed, images, seconds, cpu, speed]
    for key in COLUMNS.values():
        values = [result["metrics"][key] for result in results if key in result["metrics"]]
        cells.append(f"{of(values):.3f}" if len(values) == len(results) else "")
    return f"| {' | '.join(cells)} |"


def main(argv: list[str] | None = None) -> int:
    """Run what is missing, write the tables, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="settings of every run, such as trainer=gpu")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="(0 1 2)")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="(all)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/demo-measured"),
        help="folder of the runs (%(default)s)",
    )
    words = parser.parse_args(argv)
    words.out.mkdir(parents=True, exist_ok=True)
    try:
        for seed in words.seeds:
            for arm in (arm for arm in ARMS if arm in words.arms):
                measure(arm, seed, words.overrides, words.out)
                results = collect(words.out)
                text = json.dumps(results, indent=2) + "\n"
                (words.out / "results.json").write_text(text, encoding="utf-8")
                (words.out / "table.md").write_text(table(results), encoding="utf-8")
    except (CommandError, OSError, ValueError) as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 2
    print(table(collect(words.out)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
