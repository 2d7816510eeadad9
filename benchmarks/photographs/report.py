"""Report the results of the arms: a table, and a grid of samples for held-out captions."""

import json
import statistics
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.photographs.arms import ARMS, COLUMNS
from benchmarks.table import markdown_table
from textgan.data.base import evenly
from textgan.image import captioned_grid
from textgan.pipeline import TextToImagePipeline

_SHOWN = 40


def collect(out: Path) -> list[dict[str, Any]]:
    """Return all results, sorted by arm and seed."""
    paths = [path for arm in ARMS for path in sorted(out.glob(f"{arm}-seed*/done.json"))]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def table(results: list[dict[str, Any]]) -> str:
    """Return a row for each run, and mean and deviation for an arm with several seeds."""
    rows = []
    for arm in ARMS:
        own = [result for result in results if result["arm"] == arm]
        for one in own:
            values = [one["numbers"][key] for key in COLUMNS.values()]
            cells = [arm, str(one["seed"]), f"{one['images']:,}", f"{one['seconds']:.0f}"]
            rows.append(cells + [f"{value:.3f}" for value in values])
        if len(own) > 1:
            cells = [arm, "mean ± deviation", "", ""]
            for key in COLUMNS.values():
                values = [one["numbers"][key] for one in own]
                cells.append(f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}")
            rows.append(cells)
    return markdown_table(["arm", "seed", "images", "seconds", *COLUMNS], rows) + "\n"


def grid(pipeline: Path, data: Path) -> Image.Image:
    """Return one sample for each of 40 captions, evenly spread over the held-out ones."""
    lines = (data / "unseen.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["split"] == "test"]
    captions = [rows[n]["captions"][0] for n in evenly(len(rows), _SHOWN)]
    images = TextToImagePipeline.from_pretrained(pipeline).sample(captions)
    return captioned_grid(images, captions, 8, 140)
