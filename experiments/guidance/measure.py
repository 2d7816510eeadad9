"""What makes a generator follow its captions? Arms of equal seconds, pretraining counted in them.

    TEXTGAN_INCEPTION=... python experiments/guidance/measure.py shapes --seconds 600 --seeds 0

`shapes` trains on the demo's scenes and counts captions whose attributes are all right; `hard` does
so with shapes64_hard, for which `--seconds 3600 --pretraining 600` is little; `emoji`
(with TEXTGAN_DATA) trains on emoji at 32 px and asks a contrastive model of another architecture
and seed, pretrained in seconds of its own, for the R-precision of training captions. Arms that
use pretrained encoders train for fewer seconds, less those that pretraining took. Seconds are those
of a processor with one thread, so that other work beside it costs no arm a picture; how many
pictures fill them is found first, by two short runs an arm. Every step leaves a file and is not run
again, so the command can be stopped and repeated. The end is table.md and, with the same captions
for all arms, grids.png.
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

from arms import ARMS, SETTINGS, Arm, Setting
from table import collect, grids, table


@dataclass(frozen=True)
class Plan:
    """An arm with a seed: what its run is composed of, and how many images fill its seconds."""

    arm: str
    seed: int
    words: list[str]
    images: int
    pretraining_seconds: float


def typed(words: list[str]) -> str:
    """A command as one would type it."""
    return shlex.join(["textgan", *words])


def run(words: list[str], folder: Path) -> float:
    """Run `textgan WORDS hydra.run.dir=FOLDER` in a new folder -> processor seconds.

    Raises:
        RuntimeError: it failed.
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
    """Processor seconds of all runs so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def once(path: Path, words: list[str], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The JSON at a path, with the command that it is of; made where it is not there yet.

    Where the encoders lie plays no part in what a command is.

    Raises:
        RuntimeError: it is of another command.
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
        rule = f"{path} must be of the command that is asked for, {command}"
        raise RuntimeError(f"{rule}, got {own}: move its folder away")
    return found


def images_in(seconds: float, words: list[str], folder: Path) -> int:
    """How many pictures fill so many seconds: a line through two short runs, start included."""
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
        raise RuntimeError(f"{seconds:.0f} seconds are too few: {typed(words)} sees {images:.0f}")
    return images


def pretrain(words: list[str], seconds: float, folder: Path) -> dict[str, Any]:
    """Train encoders, as far as that is not done -> seconds, and where their pipeline is."""

    images = int(images_in(seconds, words, folder))
    fit = ["fit", *words, f"total_images={images}", "validate_every_images=0"]
    pipeline = str(folder / "run/pipeline")
    return once(
        folder / "done.json",
        fit,
        lambda: {"seconds": run(fit, folder / "run"), "images": images, "pipeline": pipeline},
    )


def words_of(arm: Arm, setting: Setting, seed: int, encoders: str) -> list[str]:
    """What its runs are composed of."""
    losses = [*(setting.plain_losses if arm.plain else setting.losses), *arm.terms]
    words = [*setting.words, f"seed={seed}"]
    words += [f"loss=[{','.join(losses)}]", *(["posterior=null"] if arm.plain else []), *arm.words]
    return [*words, *([f"encoders={encoders}"] if arm.uses_encoders else [])]


def prepare(name: str, seed: int, setting: Setting, asked: argparse.Namespace, out: Path) -> Plan:
    """Pretrain and measure speeds for an arm, as far as that is not done."""
    arm, encoders, spent = ARMS[name], "", 0.0
    if arm.uses_encoders:
        first = out / f"encoders-seed{seed}"
        found = pretrain([*setting.pretraining, f"seed={seed}"], asked.pretraining, first)
        encoders, spent = found["pipeline"], found["seconds"]
    words = words_of(arm, setting, seed, encoders)
    images = int(images_in(asked.seconds - spent, words, out / f"{name}-speed"))
    return Plan(name, seed, words, images, spent)


def test(run_folder: Path, setting: Setting, folder: Path, judge: str) -> dict[str, float]:
    """The numbers of a trained arm."""
    if not setting.judge:
        run(["test", f"ckpt_path={run_folder / 'last.ckpt'}", *setting.metrics], folder)
        content = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["numbers"]
    else:
        data, held_out = (
            f"{os.environ['TEXTGAN_DATA']}/emoji-noto",
            "experiments/emoji64/held_out.txt",
        )
        script = [sys.executable, str(Path(__file__).with_name("judge.py"))]
        asked = ["--judge", judge, "--data", data, "--exclude", held_out]
        told = subprocess.run(
            [*script, str(run_folder / "pipeline"), *asked], stdout=subprocess.PIPE, check=True
        )
        content = json.loads(told.stdout)
    return {name: number["value"] for name, number in content.items()}


def measure(plan: Plan, setting: Setting, out: Path, judge: str) -> None:
    """Train and test an arm, as far as that is not done."""
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
    """Run what is missing and write table and grids; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=SETTINGS)
    parser.add_argument("--seconds", type=float, default=600, help="of an arm, in all (600)")
    parser.add_argument("--pretraining", type=float, default=180, help="seconds of it (180)")
    parser.add_argument("--judge_seconds", type=float, default=300, help="of the judge (300)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="(0)")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="(all)")
    parser.add_argument("--out", type=Path, default=Path("runs/guidance"), help="(%(default)s)")
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
