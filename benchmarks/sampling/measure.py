"""Measure samples of rendered scenes by the options with which they were drawn.

    python -m benchmarks.sampling.measure RUN/pipeline num_inference_steps=4,25 guidance_scale=1,3

Each combination of the values is used for the same captions and the same noise. What a sample shows
is read by rules (`shape_alignment`). The program writes results.json, table.md, and a grid of
images for each combination.
"""

import argparse
import json
import shlex
import sys
import time
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from benchmarks.table import markdown_table
from textgan.data import Shapes
from textgan.image import captioned_grid, save_png
from textgan.metric.shape_alignment import ShapeAlignment
from textgan.pipeline import TextToImagePipeline
from textgan.types import Evaluation

_SHOWN = 32  # images of a grid
_BATCH = 50
_COLUMNS = ("colour", "shape", "texture", "count", "relation", "background")
_NUMBERS = ("one", "two", "three", "four")
Options = dict[str, Any]


def combinations(words: list[str]) -> list[Options]:
    """Words such as "guidance_scale=1,3" -> every combination of their values.

    Raises:
        ValueError: a word has no name or no value, or a name comes twice.
    """
    values: dict[str, list[Any]] = {}
    for word in words:
        name, _, listed = word.partition("=")
        if not name or not listed:
            raise ValueError(f"an option must be written as NAME=VALUE,VALUE, got {word!r}")
        if name in values:
            raise ValueError(f"each option must be named once, got {name} twice")
        values[name] = [yaml.safe_load(value) for value in listed.split(",")]
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def measured(
    pipeline: TextToImagePipeline, data: Shapes, options: Options
) -> tuple[dict[str, Any], Tensor, list[str]]:
    """Draw a sample for each test caption -> its numbers, and the first images and captions."""
    metric, images, captions, seconds = ShapeAlignment(hard=data.hard), [], [], 0.0
    for batch in data.test_dataloader():
        began = time.perf_counter()
        keys = {"indices": batch.index.tolist(), "output_type": "pt"}
        drawn = pipeline(batch.captions, **options, **keys).images.float().cpu()
        seconds += time.perf_counter() - began
        metric.update(Evaluation(batch.captions, batch.images, drawn[:, None], index=batch.index))
        images.append(drawn[: max(0, _SHOWN - len(captions))])
        captions += batch.captions
    shares = {name: found for name, found in metric.compute().items() if hasattr(found, "low")}
    numbers: dict[str, Any] = {
        name: {"value": float(share), "low": share.low, "high": share.high, "n": share.n}
        for name, share in shares.items()
    }
    numbers["milliseconds"] = 1000 * seconds / len(captions)
    return numbers, torch.cat(images), captions[:_SHOWN]


def table(results: list[dict[str, Any]]) -> str:
    """The results of all combinations as a Markdown table."""
    names = list(results[0]["options"])
    seen = results[0]["numbers"]
    columns = [name for name in (*(f"all_{n}" for n in _NUMBERS), *_COLUMNS) if name in seen]
    rows = []
    for one in results:
        found, everything = one["numbers"], one["numbers"]["all"]
        percent = [f"{100 * found[name]['value']:.1f} %" for name in columns]
        low, high = 100 * everything["low"], 100 * everything["high"]
        right = f"{100 * everything['value']:.1f} % ({low:.1f} to {high:.1f})"
        used = [str(one["options"][name]) for name in names]
        rows.append([*used, right, *percent, f"{found['milliseconds']:.0f}"])
    heads = [name.removeprefix("all_") for name in columns]
    return markdown_table([*names, "all right", *heads, "ms an image"], rows) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="FOLDER", help="a saved pipeline")
    parser.add_argument(
        "options", nargs="*", metavar="NAME=VALUES", help="options of the pipeline's call"
    )
    parser.add_argument("-n", type=int, default=300, help="number of test captions (300)")
    parser.add_argument("--hard", action="store_true", help="rotated and textured objects")
    parser.add_argument("--min_objects", type=int, default=1, help="of a scene (1)")
    parser.add_argument("--max_objects", type=int, default=2, help="of a scene (2)")
    parser.add_argument("--spread", type=float, default=1.0, help="`data.spread` (1)")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/sampling"), help="the results (%(default)s)"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Draw, read, write the results, and return the exit status."""
    parser = _parser()
    asked = parser.parse_args(argv)
    try:
        every = combinations(asked.options)
    except ValueError as error:
        parser.error(str(error))
    torch.set_num_threads(asked.threads)
    pipeline = TextToImagePipeline.from_pretrained(asked.model)
    data = Shapes(
        image_size=pipeline.image_size,
        hard=asked.hard,
        min_objects=asked.min_objects,
        max_objects=asked.max_objects,
        spread=asked.spread,
        batch_size=min(_BATCH, asked.n),
        test_size=asked.n,
    )
    data.setup("test")
    asked.out.mkdir(parents=True, exist_ok=True)
    words = sys.argv[1:] if argv is None else argv
    content: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "benchmarks.sampling.measure", *words]),
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "results": [],
    }
    for options in every:
        numbers, images, captions = measured(pipeline, data, options)
        content["results"].append({"options": options, "numbers": numbers})
        name = "-".join(["grid", *(f"{key}-{value}" for key, value in options.items())])
        save_png(captioned_grid(images, captions, 8), asked.out / f"{name}.png")
        # After each combination, so that a stopped program has lost nothing.
        text = json.dumps(content, indent=2) + "\n"
        (asked.out / "results.json").write_text(text, encoding="utf-8")
        (asked.out / "table.md").write_text(table(content["results"]), encoding="utf-8")
    print(table(content["results"]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
