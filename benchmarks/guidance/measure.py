"""Compare variants of the recipe at equal seconds: which generator follows its captions best?

    TEXTGAN_INCEPTION=... python -m benchmarks.guidance.measure shapes --seconds 600 --seeds 0

`shapes` trains on the demo's scenes and counts the captions with all attributes right. `hard` does
the same with shapes64_hard; `--seconds 3600 --pretraining 600` is still little for it. `emoji`
needs TEXTGAN_DATA. It trains on emoji at 32 px and measures the R-precision of training captions
with a contrastive model of another architecture and seed, whose pretraining is not counted. For
arms with pretrained encoders, the seconds of pretraining are subtracted. Seconds are CPU seconds of
one thread, so that other programs do not change the number of images. Two short runs of each arm
find the number of images that fits into the seconds. Each step leaves a file and is not run again,
so the command can be stopped and repeated. The results are table.md and grids.png, which shows
samples of all arms for the same captions.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.guidance.arms import ARMS, SETTINGS, Arm, Setting
from benchmarks.guidance.report import collect, grids, table


@dataclass(frozen=True)
class Plan:
    """An arm with a seed: its overrides, and the number of images for its seconds."""

    arm: str
    seed: int
    words: list[str]
    images: int
    pretraining_seconds: float


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


def images_in(seconds: float, words: list[str], folder: Path) -> int:
    """Return the number of images that fits into some seconds, by a line through two short runs."""
    quiet = ["validate_every_images=0", "sample_every_images=0", "checkpoint_every_images=0"]

    def measure() -> dict[str, Any]:
        few, many = 800, 4_000
        took = [
            run(["fit", *words, *quiet, f"total_images={images}"], folder / f"speed-{images}")
            for images in (few, many)
        ]
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


def pretrain(words: list[str], seconds: float, folder: Path) -> dict[str, Any]:
    """Train encoders, unless that is done -> their seconds and the folder of their pipeline."""
    images = int(images_in(seconds, words, folder))
    fit = ["fit", *words, f"total_images={images}", "validate_every_images=0"]
    pipeline = str(folder / "run/pipeline")
    return once(
        folder / "done.json",
        fit,
        lambda: {"seconds": run(fit, folder / "run"), "images": images, "pipeline": pipeline},
    )


def words_of(arm: Arm, setting: Setting, seed: int, encoders: str) -> list[str]:
    """Return the overrides of an arm."""
    losses = [*(setting.plain_losses if arm.plain else setting.losses), *arm.terms]
    words = [*setting.words, f"seed={seed}"]
    words += [f"loss=[{','.join(losses)}]", *(["posterior=null"] if arm.plain else []), *arm.words]
    return [*words, *([f"encoders={encoders}"] if arm.uses_encoders else [])]


def prepare(name: str, seed: int, setting: Setting, asked: argparse.Namespace, out: Path) -> Plan:
    """Pretrain and measure the speed for an arm, unless that is done."""
    arm, encoders, spent = ARMS[name], "", 0.0
    if arm.uses_encoders:
        first = out / f"encoders-seed{seed}"
        found = pretrain([*setting.pretraining, f"seed={seed}"], asked.pretraining, first)
        encoders, spent = found["pipeline"], found["seconds"]
    words = words_of(arm, setting, seed, encoders)
    images = int(images_in(asked.seconds - spent, words, out / f"{name}-speed"))
    return Plan(name, seed, words, images, spent)


def test(run_folder: Path, setting: Setting, folder: Path, judge: str) -> dict[str, float]:
    """Return the numbers of a trained arm."""
    if not setting.judge:
        run(["test", f"ckpt_path={run_folder / 'last.ckpt'}", *setting.metrics], folder)
        content = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["numbers"]
    else:
        data, held_out = (
            f"{os.environ['TEXTGAN_DATA']}/emoji-noto",
            "experiments/emoji64/held_out.txt",
        )
        script = [sys.executable, "-m", "benchmarks.guidance.judge"]
        asked = ["--judge", judge, "--data", data, "--exclude", held_out]
        printed = subprocess.run(
            [*script, str(run_folder / "pipeline"), *asked], stdout=subprocess.PIPE, check=True
        )
        content = json.loads(printed.stdout)
    return {name: number["value"] for name, number in content.items()}


def measure(plan: Plan, setting: Setting, out: Path, judge: str) -> None:
    """Train and test an arm, unless that is done."""
    folder = out / f"{plan.arm}-seed{plan.seed}"
    fit = ["fit", *plan.words, f"total_images={plan.images}", "validate_every_images=0"]

    def train() -> dict[str, Any]:
        return {
            "arm": plan.arm,
            "seed": plan.seed,
            "images": plan.images,
            "seconds": run(fit, folder / "run"),
            "pretraining_seconds": plan.pretraining_seconds,
        }

    def finish() -> dict[str, Any]:
        trained = once(folder / "trained.json", fit, train)
        numbers = test(folder / "run", setting, folder / "test", judge)
        return trained | {"date": datetime.now().astimezone().isoformat(), "numbers": numbers}

    once(folder / "done.json", fit, finish)


def main(argv: list[str] | None = None) -> int:
    """Run what is missing, write table and grids, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=SETTINGS)
    parser.add_argument(
        "--seconds", type=float, default=600, help="seconds of an arm, with pretraining (600)"
    )
    parser.add_argument(
        "--pretraining", type=float, default=180, help="seconds of the pretraining (180)"
    )
    parser.add_argument(
        "--judge_seconds",
        type=float,
        default=300,
        help="seconds of the pretraining of the judge (300)",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds of the runs (0)")
    parser.add_argument(
        "--arms", nargs="+", choices=ARMS, default=list(ARMS), help="the arms (all)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/guidance"),
        help="the folder of the results (%(default)s)",
    )
    asked = parser.parse_args(argv)
    setting, out = SETTINGS[asked.data], asked.out / asked.data
    try:
        judge = ""
        if setting.judge:
            judge = pretrain([*setting.judge], asked.judge_seconds, out / "judge")["pipeline"]
        plans = [
            prepare(arm, seed, setting, asked, out) for seed in asked.seeds for arm in asked.arms
        ]
        for plan in plans:
            measure(plan, setting, out, judge)
            (out / "table.md").write_text(table(collect(out), setting), encoding="utf-8")
            if (whole := grids(out, asked.seeds[0], setting.captions)) is not None:
                whole.save(out / "grids.png")
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 2
    print(table(collect(out), setting), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
