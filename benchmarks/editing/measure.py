"""Measure edits of rendered scenes: does one attribute change, and do all others stay?

    python -m benchmarks.editing.measure diffusion=RUN/pipeline gan=RUN/pipeline --pairs 200

Each image is edited by each method that a model has. The content of the result is read by rules
(`shape_alignment`). The program writes results.json, table.md, and a grid of images for each model
and method, with the image, the edit and, below, both captions.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.editing.scenes import Pair, make_pairs
from benchmarks.table import markdown_table
from textgan.image import captioned_grid, save_png
from textgan.metric.interval import proportion
from textgan.metric.shape_alignment import score
from textgan.pipeline import TextToImagePipeline
from textgan.scene.reading import Reading, read

_SHOWN = 12  # pairs of a grid
_SHARES = ("edited", "changed", "stayed")  # the first is both others
Edit = Callable[[Pair], Tensor]
"""A pair -> the edited image (3, H, H)."""


def methods_of(pipeline: TextToImagePipeline) -> dict[str, Edit]:
    """Name -> edit, for each way in which a pipeline can edit an image."""
    options: dict[str, Any] = {"output_type": "pt"}

    def edit(pair: Pair) -> Tensor:
        return pipeline.edit(pair.image, *pair.captions, **options).images[0]

    def inpaint(pair: Pair) -> Tensor:
        return pipeline.inpaint(pair.image, pair.mask, pair.captions[1], **options).images[0]

    def image_to_image(pair: Pair, strength: float) -> Tensor:
        options_here = {**options, "strength": strength}
        return pipeline.image_to_image(pair.image, pair.captions[1], **options_here).images[0]

    found: dict[str, Edit] = {"edit": edit, "inpaint": inpaint}
    found = {name: method for name, method in found.items() if name in pipeline.abilities}
    if "image_to_image" in pipeline.abilities:
        for strength in (0.5, 0.7):
            name = f"image_to_image, strength {strength}"
            found[name] = partial(image_to_image, strength=strength)
    return found


def measured(pairs: list[Pair], edit: Edit, *, hard: bool) -> tuple[dict[str, Any], Tensor]:
    """Edit the image of each pair -> its numbers, and the images (B, 3, H, H)."""
    began = time.perf_counter()
    images = torch.stack([edit(pair).float().cpu() for pair in pairs])
    milliseconds = 1000 * (time.perf_counter() - began) / len(pairs)
    scores = [score(p.after, r) for p, r in zip(pairs, read(images, hard=hard), strict=True)]
    changed = [right[pair.field] is True for pair, right in zip(pairs, scores, strict=True)]
    stayed = [
        all(value is not False for name, value in right.items() if name not in ("all", pair.field))
        for pair, right in zip(pairs, scores, strict=True)
    ]
    both = [one and two for one, two in zip(changed, stayed, strict=True)]
    each = dict(zip(_SHARES, (both, changed, stayed), strict=True))
    numbers: dict[str, Any] = {name: share(rows) for name, rows in each.items()}
    by_field = {
        field: share([ok for ok, pair in zip(both, pairs, strict=True) if pair.field == field])
        for field in dict.fromkeys(pair.field for pair in pairs)
    }
    numbers["edited by attribute"] = by_field
    return numbers | {"milliseconds": milliseconds, "n": len(pairs)}, images


def varied(
    pairs: list[Pair], pipeline: TextToImagePipeline, *, hard: bool
) -> tuple[dict[str, Any], Tensor]:
    """Variations of each image: the share of attributes that stay, and how far objects move."""
    images = torch.stack(
        [
            pipeline.variations(pair.image, pair.captions[0], seed=place, output_type="pt").images[
                0
            ]
            for place, pair in enumerate(pairs)
        ]
    ).float()
    before = read(torch.stack([pair.image for pair in pairs]), hard=hard)
    after = read(images.cpu(), hard=hard)
    rows = [score(pair.before, reading) for pair, reading in zip(pairs, after, strict=True)]
    numbers = {
        name: share([row[name] for row in rows if row[name] is not None])
        for name in rows[0]
        if any(row[name] is not None for row in rows)
    }
    moved = [
        m for one, two in zip(before, after, strict=True) if (m := _moved(one, two)) is not None
    ]
    numbers["moved"] = sum(moved) / max(len(moved), 1)
    return numbers | {"n": len(pairs)}, images


def _moved(one: Reading, two: Reading) -> float | None:
    """How far a single object is from its place, as a share of the side; else None."""
    if len(one.objects) != 1 or len(two.objects) != 1:
        return None
    a, b = one.objects[0], two.objects[0]
    return ((a.x - b.x) ** 2 + (a.y - b.y) ** 2) ** 0.5


def share(rows: list[bool]) -> dict[str, float]:
    """The share of True, with its 95 % interval."""
    found = proportion(sum(rows), len(rows))
    return {"value": float(found), "low": found.low, "high": found.high}


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results of all models as a Markdown table."""
    rows = []
    for model, methods in results.items():
        for method, found in methods.items():
            if method == "variations":
                continue
            shares = [f"{100 * found[name]['value']:.1f} %" for name in _SHARES]
            rows.append([model, method, *shares, f"{found['milliseconds']:.0f}"])
    heads = ["model", "method", "edited", "changed", "others stayed", "ms an image"]
    return markdown_table(heads, rows) + "\n"


def grid(pairs: list[Pair], images: Tensor, folder: Path, name: str) -> None:
    """Save the first pairs: the image with its caption, above the result with its own."""
    some = pairs[:_SHOWN]
    both = torch.cat([torch.stack([pair.image for pair in some]), images[: len(some)].cpu()])
    captions = [pair.captions[0] for pair in some] + [pair.captions[1] for pair in some]
    save_png(captioned_grid(both, captions, len(some)), folder / f"{name}.png")


def main(argv: list[str] | None = None) -> int:
    """Edit, read, write the results, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="NAME=FOLDER", help="saved pipelines")
    parser.add_argument("--pairs", type=int, default=200, help="number of pairs (200)")
    parser.add_argument("--hard", action="store_true", help="rotated and textured objects")
    parser.add_argument("--max_objects", type=int, default=2, help="of a scene (2)")
    parser.add_argument("--spread", type=float, default=1.0, help="`data.spread` (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes (0)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/editing"), help="the results (%(default)s)"
    )
    asked = parser.parse_args(argv)
    torch.set_num_threads(1)
    results: dict[str, dict[str, Any]] = {}
    for word in asked.models:
        name, _, folder = word.partition("=")
        pipeline = TextToImagePipeline.from_pretrained(folder)
        pairs = make_pairs(
            asked.pairs,
            image_size=pipeline.image_size,
            hard=asked.hard,
            max_objects=asked.max_objects,
            seed=asked.seed,
            spread=asked.spread,
        )
        results[name] = {}
        for method, edit in methods_of(pipeline).items():
            results[name][method], images = measured(pairs, edit, hard=asked.hard)
            grid(pairs, images, asked.out, f"{name}-{method.replace(', ', '-').replace(' ', '')}")
        if "variations" in pipeline.abilities:
            results[name]["variations"], images = varied(pairs, pipeline, hard=asked.hard)
            grid(pairs, images, asked.out, f"{name}-variations")
    words = sys.argv[1:] if argv is None else argv
    content = {
        "command": shlex.join(["python", "-m", "benchmarks.editing.measure", *words]),
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "results": results,
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=2) + "\n"
    (asked.out / "results.json").write_text(text, encoding="utf-8")
    (asked.out / "table.md").write_text(table(results), encoding="utf-8")
    print(table(results), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
