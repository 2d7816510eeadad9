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
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.guidance.arms import ARMS, SETTINGS, Arm, Setting
from benchmarks.guidance.report import collect, grids, table
from benchmarks.timed import images_in, once, run


@dataclass(frozen=True)
class Plan:
    """An arm with a seed: its overrides, and the number of images for its seconds."""

    arm: str
    seed: int
    words: list[str]
    images: int
    pretraining_seconds: float


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
        pretraining = [*setting.pretraining, f"seed={seed}", *asked.also]
        found = pretrain(pretraining, asked.pretraining, first)
        encoders, spent = found["pipeline"], found["seconds"]
    words = [*words_of(arm, setting, seed, encoders), *asked.also]
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
        "--also",
        nargs="+",
        default=[],
        metavar="WORD",
        help="overrides of all trainings, such as trainer.precision=bf16-mixed",
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
            words = [*setting.judge, *asked.also]
            judge = pretrain(words, asked.judge_seconds, out / "judge")["pipeline"]
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
