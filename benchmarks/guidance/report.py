"""Report the results of the arms: a table, and their samples one below the other."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.guidance.arms import ARMS, Setting
from benchmarks.table import markdown_table
from textgan.image import captioned_grid
from textgan.pipeline import TextToImagePipeline


def collect(out: Path) -> list[dict[str, Any]]:
    """Return all results, sorted by arm and seed."""
    paths = [path for arm in ARMS for path in sorted(out.glob(f"{arm}-seed*/done.json"))]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def table(results: list[dict[str, Any]], setting: Setting) -> str:
    """Return a row for each run, and mean and deviation for an arm with several seeds."""
    heads = ["arm", "seed", "images", "seconds", "of them pretraining", *setting.columns]
    rows = []
    for arm in ARMS:
        own = [result for result in results if result["arm"] == arm]
        for one in own:
            whole = one["seconds"] + one["pretraining_seconds"]
            cells = [arm, str(one["seed"]), f"{one['images']:,}", f"{whole:.0f}"]
            cells.append(f"{one['pretraining_seconds']:.0f}")
            values = [one["numbers"].get(key) for key in setting.columns.values()]
            rows.append(cells + ["" if value is None else f"{value:.3f}" for value in values])
        if len(own) > 1:
            cells = [arm, "mean ± deviation", "", "", ""]
            for key in setting.columns.values():
                values = [one["numbers"][key] for one in own if key in one["numbers"]]
                spread = statistics.stdev(values) if len(values) > 1 else 0.0
                cells.append(f"{statistics.mean(values):.3f} ± {spread:.3f}" if values else "")
            rows.append(cells)
    return markdown_table(heads, rows) + "\n"


def grids(out: Path, seed: int, captions: Sequence[str]) -> Image.Image | None:
    """Sample the same captions by each finished arm, one row below the other under its name."""
    found = []
    for arm in ARMS:
        folder = out / f"{arm}-seed{seed}"
        if (folder / "done.json").is_file():
            pipeline = TextToImagePipeline.from_pretrained(folder / "run/pipeline")
            images = pipeline.sample(captions)
            found.append((arm, captioned_grid(images, captions, len(captions), 140)))
    if not found:
        return None
    width, height = max(g.width for _, g in found), sum(g.height + 22 for _, g in found)
    whole, top = Image.new("RGB", (width, height), "white"), 0
    for arm, grid in found:
        ImageDraw.Draw(whole).text((8, top + 6), arm, fill="black")
        whole.paste(grid, (0, top + 22))
        top += grid.height + 22
    return whole
