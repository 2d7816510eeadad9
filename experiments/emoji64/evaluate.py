"""Do the draws show what their captions say? Asked of captions trained on, and of pairs held out.

    python experiments/emoji64/evaluate.py runs/.../pipeline --out runs/.../evaluation

A caption is drawn, and the real picture that is nearest to the draw is looked up, among all
pictures of the train split, those held out with them. `share` is how often that picture's row
bears the caption's concept, its skin tones, and both. Beside it stand

- `chance`: the share to expect if any of the pictures were as near as another;
- `most_common`: the share of a model that always draws what is asked for most often.

Near is meant in the 768 features of the Inception network that --weights or the environment
variable TEXTGAN_INCEPTION names, else in pixels. The same seed gives the same numbers.
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
from rich.progress import track
from torch import Tensor

from textgan import image
from textgan.command._model import find_model, open_model
from textgan.data.captions import Row as CaptionedRow
from textgan.data.crop import Crop
from textgan.data.split import read_names
from textgan.errors import ConfigError
from textgan.image_encoder import Inception
from textgan.pipeline import TextToImagePipeline
from textgan.seed import seed_from

_GRID = 40
_ASKED: dict[str, Callable[[Row], Hashable]] = {
    "concept": lambda row: row["concept"],
    "tones": lambda row: tuple(row["tones"]),
    "both": lambda row: (row["concept"], tuple(row["tones"])),
}


class Judge:
    """Finds the real picture nearest to a draw.

    Args:
        pictures: the real ones, (N, 3, H, W) uint8.
        weights: the file of Inception's, or None for the distance in pixels.
    """

    def __init__(self, pictures: Tensor, weights: str | None):
        self.encoder = Inception(768, weights=weights) if weights else None
        self.name = "inception_768" if weights else "pixels"
        self.bank = self.features(pictures, "real pictures")

    def features(self, pictures: Tensor, what: str) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, 768), or (B, 3 * H * W) where pixels are compared."""
        if self.encoder is None:
            return pictures.flatten(1).float()
        batches = track(pictures.split(16), f"features of {len(pictures):,} {what}")
        return torch.cat([self.encoder(batch) for batch in batches])

    def nearest(self, features: Tensor) -> list[int]:
        """The place in the bank of what is nearest to each."""
        distances = torch.cdist(
            features, self.bank, compute_mode="donot_use_mm_for_euclid_dist"
        )  # (B, N)
        return distances.argmin(1).tolist()


def read_pictures(folder: Path, rows: list[Row], *, size: int, crop: str) -> Tensor:
    """The pictures of the rows as the data module shows them, (N, 3, size, size) uint8."""
    reader = Crop(size, 3, crop, "white")
    files = track([folder / row["file"] for row in rows], f"decoding {len(rows):,} pictures")
    return torch.stack([reader.window(torch.from_numpy(reader.read(file)), None) for file in files])


def spread(rows: list[Row], number: int, *, seed: int | None) -> list[Row]:
    """`number` rows, one of each of as many equal stretches: the first, or drawn by the seed."""
    number = min(number, len(rows))
    edges = [place * len(rows) // number for place in range(number + 1)]
    if seed is None:
        return [rows[edge] for edge in edges[:-1]]
    return [rows[low + seed_from(seed, low) % (high - low)] for low, high in pairwise(edges)]


def shares(asked: list[Row], found: list[Row], bank: list[Row]) -> dict[str, Any]:
    """What was right of the rows that were asked for, with its chance levels.

    Args:
        asked: the rows whose captions were drawn.
        found: the row of the picture nearest to each draw.
        bank: all rows whose pictures could be found.
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


def draw(pipeline: TextToImagePipeline, captions: list[str], seed: int) -> Tensor:
    """(B, 3, H, W) in [-1, 1] on the CPU, a bar beside it."""
    batches = range(0, len(captions), 32)
    return torch.cat(
        [
            pipeline(
                captions[i : i + 32],
                seed=seed,
                indices=range(i, min(i + 32, len(captions))),
                output_type="pt",
            ).images.cpu()
            for i in track(batches, f"drawing {len(captions)} captions")
        ]
    )


def write_train_grid(folder: Path, rows: list[Row], draws: Tensor) -> None:
    """train.png: draws with their captions."""
    captions = [row["captions"][0] for row in rows]
    image.save_png(image.captioned_grid(draws, captions), folder / "train.png")


def write_held_out_grid(
    folder: Path, rows: list[Row], real: Tensor, draws: Tensor, also: dict[str, Tensor]
) -> None:
    """held_out.png: of each pair one real picture, then its draw; then the draws of `also`."""
    first = {_ASKED["both"](row): place for place, row in reversed(list(enumerate(rows)))}
    places = sorted(first.values())
    pictures = [picture for i in places for picture in (real[i], draws[i])]
    said = [text for i in places for text in (rows[i]["captions"][0], "drawn")]
    grid = image.captioned_grid(
        torch.stack([*pictures, *also.values()]), [*said, *(f"drawn: {text}" for text in also)]
    )
    image.save_png(grid, folder / "held_out.png")


def evaluate(words: argparse.Namespace) -> dict[str, Any]:
    """Draw, judge, write the two grids; what evaluation.json says."""
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
    drawn_seen, drawn_held, drawn_shown = (
        draw(pipeline, [row["captions"][0] for row in rows], words.seed)
        for rows in (seen, held, shown)
    )
    pictures = read_pictures(folder, bank, size=drawn_seen.shape[-1], crop=words.crop)
    extra = draw(pipeline, words.also, words.seed) if words.also else []
    own = [place for place, row in enumerate(bank) if row["file"] in names]
    write_train_grid(words.out, shown, drawn_shown)
    write_held_out_grid(
        words.out,
        held,
        image.from_uint8(pictures[own]),
        drawn_held,
        dict(zip(words.also, extra, strict=True)),
    )
    judge = Judge(pictures, words.weights or os.environ.get("TEXTGAN_INCEPTION"))
    return {
        "model": str(words.model),
        "trained_without": trained_without(find_model(words.model)),
        "seed": words.seed,
        "nearest_in": judge.name,
        "bank": len(bank),
        "pairs_held_out": len({_ASKED["both"](row) for row in held}),
        "train": compare(judge, seen, drawn_seen, bank),
        "held_out": compare(judge, held, drawn_held, bank),
    }


def compare(judge: Judge, asked: list[Row], draws: Tensor, bank: list[Row]) -> dict[str, Any]:
    """The shares of the rows that were asked for, by the pictures nearest to the draws."""
    found = judge.nearest(judge.features(image.to_uint8(draws), "draws"))
    return shares(asked, [bank[place] for place in found], bank)


def trained_without(model: Path) -> str | None:
    """What the model's run was told to exclude, if its run.yaml is beside it; None for nothing."""
    run = model.parent / "run.yaml"
    if not run.is_file():
        return "unknown"
    settings = yaml.safe_load(run.read_text(encoding="utf-8"))
    return settings["data"].get("init_args", {}).get("exclude")


def table(report: dict[str, Any]) -> str:
    """The shares as a table in markdown."""
    lines = ["| captions | n | asked | share | chance | most common |", "|" + "---|" * 6]
    for name in ("train", "held_out"):
        part = report[name]
        for asked in _ASKED:
            cells = [part[asked][key] for key in ("share", "chance", "most_common")]
            said = " | ".join(f"{100 * cell:.1f} %" for cell in cells)
            lines.append(f"| {name} | {part['n']} | {asked} | {said} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Evaluate and write the report; the exit status."""
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
    parser.add_argument("--captions", type=int, default=200, help="of the training captions (200)")
    parser.add_argument("--seed", type=int, default=0, help="decides captions and noise (0)")
    parser.add_argument("--weights", help="Inception's .npz file ($TEXTGAN_INCEPTION)")
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
    print(f"{path}, {words.out / 'train.png'} and {words.out / 'held_out.png'} are written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
