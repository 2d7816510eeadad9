"""Compare variants of the recipe for photographs at equal seconds.

    TEXTGAN_INCEPTION=... TEXTGAN_DATA=... python -m benchmarks.photographs.measure --seconds 3600

Seconds are CPU seconds of one thread. Two short runs of each arm find the number of images that
fits into the seconds; run them on an idle machine (`--speeds`), because a busy neighbour core makes
CPU seconds longer. Each step leaves a file and is not run again, so the command can be stopped and
repeated. The result is table.md, and grid.png of each arm: one sample for each of 40 captions of
held-out photographs.
"""

import argparse
import json
import os
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.photographs.arms import ARMS, JUDGE, SHARED
from benchmarks.photographs.report import collect, grid, table
from benchmarks.timed import images_in, once, run
from textgan.data.base import evenly

_KNOWN = 2_000  # training photographs that FID compares with
_SHORT = (400, 1_600)  # images of the two runs that measure a speed


@dataclass(frozen=True)
class Study:
    """What all arms share.

    Attributes:
        out: the folder of the results.
        seconds: CPU seconds of an arm.
        judge: the saved contrastive pipeline that measures R-precision.
        also: overrides of all trainings.
    """

    out: Path
    seconds: float
    judge: str
    also: tuple[str, ...] = ()


def words_of(arm: str, seed: int) -> list[str]:
    """Return the overrides of an arm."""
    return [*SHARED, f"seed={seed}", *ARMS[arm]]


def make_data(root: Path, folder: Path) -> None:
    """Write captions files whose test split is what an arm is measured on, unless that is done.

    In known.jsonl, the test split is made of training photographs with their captions; in
    unseen.jsonl it is each caption of each val photograph, with a copy of the photograph.
    """
    if (folder / "unseen.jsonl").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "images", folder / "images")
    lines = (root / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    training = [row for row in rows if row["split"] == "train"]
    chosen = set(evenly(len(training), _KNOWN))
    known = [row | {"split": "test" if n in chosen else "train"} for n, row in enumerate(training)]
    unseen = list(training)
    for row in rows:
        if row["split"] == "val":
            path = folder / row["file"]
            for n, caption in enumerate(row["captions"]):
                copy = path.with_stem(f"{path.stem}_{n}")
                shutil.copy(path, copy)
                name = copy.relative_to(folder).as_posix()
                unseen.append({"file": name, "captions": [caption], "split": "test"})
    for name, content in (("known", known), ("unseen", unseen)):
        text = "".join(json.dumps(row) + "\n" for row in content)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


def images_for(arm: str, study: Study) -> int:
    """Return the images that an arm sees in its seconds."""
    folder = study.out / f"{arm}-speed"
    words = [*words_of(arm, 0), *study.also]
    return int(images_in(study.seconds, words, folder, runs=_SHORT))


def pretrain_judge(seconds: float, out: Path, also: tuple[str, ...]) -> str:
    """Train the contrastive model that measures R-precision, unless that is done."""
    folder, words = out / "judge", [*JUDGE, *also]
    images = int(images_in(seconds, words, folder, runs=_SHORT))
    fit = ["fit", *words, f"total_images={images}", f"validate_every_images={images}"]
    once(folder / "done.json", fit, lambda: {"seconds": run(fit, folder / "run"), "images": images})
    return str(folder / "run/pipeline")


def test(study: Study, folder: Path) -> dict[str, float]:
    """Return the numbers of a trained arm."""
    root = study.out / "data"
    judge = f"model.metrics.r_precision.judge.pretrained={study.judge}"
    plans = {
        "known": [
            f"data.root={root}",
            "data.captions_file=known.jsonl",
            "metric=[fid_768,kid_768]",
        ],
        "unseen": [
            *(f"data.root={root}", "data.captions_file=unseen.jsonl"),
            *("metric=[r_precision_contrastive]", judge),
        ],
        "val": ["metric=[prompt_diversity,memorisation]"],
    }
    found = {}
    for name, words in plans.items():
        run(["test", f"ckpt_path={folder / 'run/last.ckpt'}", *words], folder / name)
        content = json.loads((folder / name / "evaluation.json").read_text(encoding="utf-8"))
        found |= {f"{name}/{key}": number["value"] for key, number in content["numbers"].items()}
    return found


def measure(arm: str, seed: int, study: Study) -> None:
    """Train and test an arm, unless that is done."""
    folder, images = study.out / f"{arm}-seed{seed}", images_for(arm, study)
    words = [*words_of(arm, seed), *study.also]
    fit = ["fit", *words, f"total_images={images}", "validate_every_images=0"]

    def train() -> dict[str, Any]:
        seconds = run(fit, folder / "run")
        return {"arm": arm, "seed": seed, "images": images, "seconds": seconds}

    def finish() -> dict[str, Any]:
        trained = once(folder / "trained.json", fit, train)
        grid(folder / "run/pipeline", study.out / "data").save(folder / "grid.png")
        date = datetime.now().astimezone().isoformat()
        return trained | {"date": date, "numbers": test(study, folder)}

    once(folder / "done.json", fit, finish)


def _photographs() -> Path:
    data = os.environ.get("TEXTGAN_DATA")
    if data is None:
        raise RuntimeError("set TEXTGAN_DATA, a folder that holds flickr8k-128")
    return Path(data) / "flickr8k-128"


def main(argv: list[str] | None = None) -> int:
    """Run what is missing, write the table, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600, help="seconds of an arm (3600)")
    parser.add_argument("--judge_seconds", type=float, default=600, help="of the judge (600)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds of the runs (0)")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="(all)")
    parser.add_argument(
        "--also",
        nargs="+",
        default=[],
        metavar="WORD",
        help="overrides of all trainings, such as trainer.precision=bf16-mixed",
    )
    parser.add_argument("--speeds", action="store_true", help="only measure the speeds")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/photographs"), help="the results (%(default)s)"
    )
    asked = parser.parse_args(argv)
    out, also = asked.out.resolve(), tuple(asked.also)
    try:
        if asked.speeds:
            for arm in asked.arms:
                print(arm, images_for(arm, Study(out, asked.seconds, "", also)))
            return 0
        make_data(_photographs(), out / "data")
        study = Study(out, asked.seconds, pretrain_judge(asked.judge_seconds, out, also), also)
        for seed in asked.seeds:
            for arm in asked.arms:
                measure(arm, seed, study)
                (out / "table.md").write_text(table(collect(out)), encoding="utf-8")
    except (RuntimeError, OSError) as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 2
    print(table(collect(out)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
