"""Measure how often samples show their captions, for training captions and held-out pairs.

    python experiments/emoji64/evaluate.py runs/.../pipeline --out runs/.../evaluation

For each caption, the script generates a sample and finds the nearest real image among all images of
the train split, with those that were held out. `share` is how often that image has the caption's
concept, its skin tones, and both. The report also has

- `chance`: the share for a random image;
- `most_common`: the share of a model that always generates the most frequent concept or tones;
- `train_real`, `held_out_real`: the shares for the real images themselves with a little noise.

Distances are measured in the 768 features of the Inception network that --weights or the
environment variable TEXTGAN_INCEPTION names, else in pixels. The same seed gives the same numbers.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Hashable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import yaml
from hold_out import HERE, Row, data_folder, train_rows
from judge import Judge
from rich.progress import track
from torch import Tensor

from textgan import image
from textgan.command._model import find_model, open_model
from textgan.data.captions import Row as CaptionedRow
from textgan.data.crop import Crop
from textgan.data.split import read_names
from textgan.errors import ConfigError
from textgan.pipeline import TextToImagePipeline
from textgan.seed import seed_from

_GRID = 40
_ASKED: dict[str, Callable[[Row], Hashable]] = {
    "concept": lambda row: row["concept"],
    "tones": lambda row: tuple(row["tones"]),
    "both": lambda row: (row["concept"], tuple(row["tones"])),
}


def read_images(folder: Path, rows: list[Row], *, size: int, crop: str) -> Tensor:
    """Read the images of the rows as the data module does, (N, 3, size, size) uint8."""
    reader = Crop(size, 3, crop, "white")
    files = track([folder / row["file"] for row in rows], f"decoding {len(rows):,} images")
    return torch.stack([reader.window(torch.from_numpy(reader.read(file)), None) for file in files])


def spread(rows: list[Row], number: int, *, seed: int | None) -> list[Row]:
    """Return the first row, or by the seed a random one, of each of `number` equal ranges."""
    number = min(number, len(rows))
    edges = [place * len(rows) // number for place in range(number + 1)]
    if seed is None:
        return [rows[edge] for edge in edges[:-1]]
    return [rows[low + seed_from(seed, low) % (high - low)] for low, high in pairwise(edges)]


def shares(asked: list[Row], found: list[Row], bank: list[Row]) -> dict[str, Any]:
    """Return the share of right rows, with its chance levels.

    Args:
        asked: the rows of the captions.
        found: the row of the nearest image to each sample.
        bank: all rows whose images are searched.
    """
    result: dict[str, Any] = {"n": len(asked)}
    for name, of in _ASKED.items():
        wanted = [of(row) for row in asked]
        answers = Counter(of(row) for row in bank)
        right = sum(of(row) == want for row, want in zip(found, wanted, strict=True))
        result[name] = {
            "share": round(right / len(asked), 4),
            "chance": round(sum(answers[want] for want in wanted) / len(bank) / len(asked), 4),
            "most_common": round(max(Counter(wanted).values()) / len(asked), 4),
        }
    return result


def generate(pipeline: TextToImagePipeline, captions: list[str], seed: int) -> Tensor:
    """Generate a sample of each caption with a progress bar, (B, 3, H, W) in [-1, 1] on the CPU."""
    batches = range(0, len(captions), 32)
    return torch.cat(
        [
            pipeline(
                captions[i : i + 32],
                seed=seed,
                indices=range(i, min(i + 32, len(captions))),
                output_type="pt",
            ).images.cpu()
            for i in track(batches, f"sampling {len(captions)} captions")
        ]
    )


def write_train_grid(folder: Path, rows: list[Row], samples: Tensor) -> None:
    """Write train.png: samples with their captions."""
    captions = [row["captions"][0] for row in rows]
    image.save_png(image.captioned_grid(samples, captions), folder / "train.png")


def write_held_out_grids(
    folder: Path, rows: list[Row], real: Tensor, samples: Tensor, also: dict[str, Tensor]
) -> None:
    """Write held_out.png, samples of each pair and of `also`, and beside_real.png."""
    first = {_ASKED["both"](row): place for place, row in reversed(list(enumerate(rows)))}
    places = sorted(first.values())
    captions = [rows[i]["captions"][0] for i in places]
    shown = torch.stack([*samples[places], *also.values()])
    image.save_png(image.captioned_grid(shown, [*captions, *also]), folder / "held_out.png")
    pairs = torch.stack([real[places], samples[places]], 1).flatten(0, 1)
    labels = [text for caption in captions for text in (caption, "sample")]
    image.save_png(image.captioned_grid(pairs, labels), folder / "beside_real.png")


def evaluate(words: argparse.Namespace) -> dict[str, Any]:
    """Sample, evaluate, write the grids -> the content of evaluation.json."""
    folder = data_folder(words.data)
    bank = train_rows(folder)
    names = read_names(words.held_out, [CaptionedRow(row["file"], ()) for row in bank])
    held = [row for row in bank if row["file"] in names]
    trained = [row for row in bank if row["file"] not in names]
    seen, shown = (
        spread(trained, words.captions, seed=words.seed),
        spread(trained, _GRID, seed=None),
    )
    pipeline = open_model(words.model)
    sampled_seen, sampled_held, sampled_shown = (
        generate(pipeline, [row["captions"][0] for row in rows], words.seed)
        for rows in (seen, held, shown)
    )
    images = read_images(folder, bank, size=sampled_seen.shape[-1], crop=words.crop)
    extra = generate(pipeline, words.also, words.seed) if words.also else []
    place = {row["file"]: i for i, row in enumerate(bank)}
    real_seen, real_held = (
        image.from_uint8(images[[place[row["file"]] for row in rows]]) for rows in (seen, held)
    )
    write_train_grid(words.out, shown, sampled_shown)
    also = dict(zip(words.also, extra, strict=True))
    write_held_out_grids(words.out, held, real_held, sampled_held, also)
    judge = Judge(images, words.weights or os.environ.get("TEXTGAN_INCEPTION"))
    return {
        "model": str(words.model),
        "trained_without": trained_without(find_model(words.model)),
        "seed": words.seed,
        "nearest_in": judge.name,
        "bank": len(bank),
        "pairs_held_out": len({_ASKED["both"](row) for row in held}),
        "noise": words.noise,
        "train": compare(judge, seen, sampled_seen, bank),
        "held_out": compare(judge, held, sampled_held, bank),
        "train_real": compare(judge, seen, noised(real_seen, words), bank),
        "held_out_real": compare(judge, held, noised(real_held, words), bank),
    }


def noised(real: Tensor, words: argparse.Namespace) -> Tensor:
    """Add Gaussian noise to real images, whose shares are an upper limit for samples."""
    generator = torch.Generator().manual_seed(words.seed)
    return (real + words.noise * torch.randn(real.shape, generator=generator)).clamp(-1, 1)


def compare(judge: Judge, asked: list[Row], samples: Tensor, bank: list[Row]) -> dict[str, Any]:
    """Return the shares of the rows, by the nearest images to the samples."""
    found = judge.nearest(judge.features(image.to_uint8(samples), "samples"))
    return shares(asked, [bank[place] for place in found], bank)


def trained_without(model: Path) -> str | None:
    """Return the list that the model's run excluded; "unknown" without a run.yaml; None if none."""
    run = model.parent / "run.yaml"
    if not run.is_file():
        return "unknown"
    settings = yaml.safe_load(run.read_text(encoding="utf-8"))
    return settings["data"].get("init_args", {}).get("exclude")


def table(report: dict[str, Any]) -> str:
    """Return the shares as a table in Markdown."""
    lines = ["| captions | n | asked | share | chance | most common |", "|" + "---|" * 6]
    for name in ("train", "held_out", "train_real", "held_out_real"):
        part = report[name]
        for asked in _ASKED:
            cells = [part[asked][key] for key in ("share", "chance", "most_common")]
            shown = " | ".join(f"{100 * cell:.1f} %" for cell in cells)
            lines.append(f"| {name} | {part['n']} | {asked} | {shown} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Evaluate, write the report, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a pipeline folder, a run folder or a checkpoint")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    parser.add_argument(
        "--data", type=Path, help="folder of captions.jsonl ($TEXTGAN_DATA/emoji-noto)"
    )
    parser.add_argument(
        "--held_out", type=Path, default=HERE / "held_out.txt", help="by hold_out.py"
    )
    parser.add_argument(
        "--captions", type=int, default=200, help="number of training captions (200)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of captions and noise (0)")
    parser.add_argument("--weights", help="Inception's .npz file ($TEXTGAN_INCEPTION)")
    parser.add_argument("--noise", type=float, default=0.02, help="noise on real images (0.02)")
    parser.add_argument("--crop", default="center", help="as in training: center, pad or squash")
    parser.add_argument(
        "--also",
        nargs="*",
        default=["construction worker with dark skin tone"],
        metavar="CAPTION",
        help="captions to add to the grid of the held-out pairs",
    )
    words = parser.parse_args(argv)
    if words.captions < 1:
        parser.error(f"--captions must be at least 1, got {words.captions}")
    try:
        report = evaluate(words)
    except (OSError, ValueError, ConfigError) as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return 2
    words.out.mkdir(parents=True, exist_ok=True)
    path = words.out / "evaluation.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(report))
    if report["trained_without"] is None:
        print("The run of this model excluded nothing: its held-out pairs were trained on.")
    print(f"{path}, {words.out / 'train.png'}, held_out.png and beside_real.png are written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
