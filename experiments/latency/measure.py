"""How long a picture takes from caption to PIL image, and what weights of 8 bits cost.

    python experiments/latency/measure.py RUN/pipeline --scenes plain

One pass of the GAN by PyTorch, by torch.compile and by onnxruntime (float32 and int8), and beside
it 50 steps of DDIM through a U-Net of diffusers with random weights, as many parameters as the
generator, the same text encoder and no guidance. All of them read the same new captions, by turns
in one process, in an order that rotates from round to round, so that a machine that grows slower or
faster does so for all; on one thread and on all.

Without a pipeline an untrained one of the default sizes is timed.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import itertools
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from contestants import METHODS, Setting, contestants, parameters

from textgan.data import Shapes
from textgan.errors import ConfigError
from textgan.export import ExportedPipeline, export_pipeline
from textgan.generator import AttentionGenerator
from textgan.image import from_unit
from textgan.metric import ShapeAlignment, Speed
from textgan.metric.interval import median
from textgan.pipeline import GANPipeline
from textgan.pretrained.frozen import weights_hash
from textgan.text_encoder import BertTextEncoder
from textgan.types import Evaluation, Measurement

SIZES = (1, 16)
WARMUP, FEWEST_ROUNDS = 2, 3
SETTLE = 0.02  # seconds: threads of the call before may still spin
PACKAGES = {
    "torch": "torch",
    "onnx": "onnxruntime",
    "int8": "onnxruntime",
    "diffusion": "diffusers",
}
INSTALL = {"onnxruntime": "pip install textgan[export]", "diffusers": "pip install diffusers"}


def open_pipeline(path: str | None, size: int | None) -> GANPipeline:
    """The pipeline of a folder, or an untrained one of the default sizes.

    Raises:
        ConfigError: the folder holds none, or one that draws pictures of another size.
    """
    if path is None:
        torch.manual_seed(0)
        encoder = BertTextEncoder()
        encoder.fit_tokenizer(Shapes().captions(5_000))
        generator = AttentionGenerator(image_size=size or 64, text_width=encoder.width)
        return GANPipeline(generator, encoder).eval()
    try:
        pipeline = GANPipeline.from_pretrained(path)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    if size not in (None, pipeline.generator.image_size):
        own = pipeline.generator.image_size
        raise ConfigError(f"--size must be left out, or {own} as {path} draws, got {size}")
    return pipeline


def measure(
    draws: dict[Setting, Callable[[list[str]], object]], captions: list[str], seconds: float
) -> dict[Setting, dict[int, Measurement]]:
    """Setting -> number of pictures -> milliseconds of a call: their median over the rounds."""
    taken = {setting: {size: [] for size in SIZES} for setting in draws}
    settings, endless, end = list(draws), itertools.cycle(captions), 0.0
    for turn in itertools.count(-WARMUP):
        if turn == 0:
            end = time.perf_counter() + seconds
        if turn >= FEWEST_ROUNDS and time.perf_counter() > end:
            break
        # New captions for each number of threads: a frozen text encoder remembers the old ones.
        asked = {s.threads: [[*itertools.islice(endless, n)] for n in SIZES] for s in settings}
        start = turn % len(settings)
        for setting in settings[start:] + settings[:start]:
            torch.set_num_threads(setting.threads)
            for size, words in zip(SIZES, asked[setting.threads], strict=True):
                time.sleep(SETTLE)
                began = time.perf_counter()
                draws[setting](words)
                if turn >= 0:
                    taken[setting][size].append(1000 * (time.perf_counter() - began))
    return {
        setting: {size: median(torch.tensor(ms, dtype=torch.float64)) for size, ms in sizes.items()}
        for setting, sizes in taken.items()
    }


def times_table(times: dict[Setting, dict[int, Measurement]], steps: int) -> str:
    """A row for each number of threads and method."""
    head = "| threads | method | one picture, ms | 16 pictures, ms | times PyTorch, one | 16 |"
    lines = [head, "|---|---|---|---|---|---|"]
    for setting, sizes in sorted(times.items(), key=lambda item: item[0].threads):
        name = METHODS[setting.method] + f", {steps} steps" * (setting.method == "diffusion")
        cells = [_with_interval(sizes[size]) for size in SIZES]
        base = times.get(Setting("eager", setting.threads))
        ratios = [f"{sizes[n] / base[n]:.2f}" if base else "" for n in SIZES]
        lines.append(f"| {setting.threads} | {name} | {' | '.join([*cells, *ratios])} |")
    return "\n".join(lines)


def _with_interval(value: Measurement) -> str:
    known = "" if value.low is None else f" ({value.low:.1f} to {value.high:.1f})"
    return f"**{value:.1f}**{known}"


def quality_table(pipeline: GANPipeline, folder: Path, scenes: str | None, number: int) -> str:
    """What weights of 8 bits change, over captions of the test split of scenes."""
    size, hard = pipeline.generator.image_size, scenes == "hard"
    data = Shapes(image_size=size, hard=hard, test_size=number)
    captions = [text for batch in data.test_dataloader() for text in batch.captions]
    drawn = {
        "float32": pipeline(captions, output_type="np").images,
        "int8": ExportedPipeline(folder)(captions, output_type="np").images,
    }
    gap = 255 * np.abs(drawn["float32"] - drawn["int8"])
    lines = ["| weights | captions | all right | pixels off by, of 255 |", "|---|---|---|---|"]
    for name, images in drawn.items():
        right = "not of scenes" if scenes is None else _aligned(images, captions, hard)
        off = "" if name == "float32" else f"{gap.mean():.2f} on average, {gap.max():.0f} at most"
        lines.append(f"| {name} | {number:,} | {right} | {off} |")
    return "\n".join(lines)


def _aligned(images: np.ndarray, captions: list[str], hard: bool) -> str:
    metric = ShapeAlignment(hard=hard)
    draws = from_unit(torch.from_numpy(images)).permute(0, 3, 1, 2)[:, None]  # (B, 1, C, H, W)
    metric.update(Evaluation(captions, None, draws))
    share = metric.compute()["all"]
    return f"**{share:.1%}** ({share.low:.1%} to {share.high:.1%})"


def conditions(pipeline: GANPipeline, words: argparse.Namespace, rounds: int) -> str:
    """Of what, when and on what the tables are."""
    generator, encoder = (parameters(n) for n in (pipeline.generator, pipeline.text_encoder))
    names = ["torch", *(PACKAGES[method] for method in words.methods if method in PACKAGES)]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in dict.fromkeys(names)]
    source = "an untrained pipeline" if words.pipeline is None else f"`{words.pipeline}`"
    return (
        f"{datetime.date.today()}, {source} (weights {weights_hash(pipeline)[:8]}; generator "
        f"{generator:,} parameters, text encoder {encoder:,}), {pipeline.generator.image_size} px, "
        f"seed 0, {rounds} rounds, {Speed().protocol()['device']} with {os.cpu_count()} CPUs, load "
        f"{words.load:.1f} before the start, Python {platform.python_version()}, "
        f"{', '.join(versions)}."
    )


def run(words: argparse.Namespace) -> str:
    """All that is written."""
    for package in (PACKAGES.get(method) for method in words.methods):
        if package is not None and importlib.util.find_spec(package) is None:
            raise ConfigError(f"{package} is not installed: {INSTALL[package]}, or leave it out")
    pipeline = open_pipeline(words.pipeline, words.size)
    with tempfile.TemporaryDirectory() as place:
        folders = {name: Path(place) / name for name in ("onnx", "int8") if name in words.methods}
        for name, folder in folders.items():
            export_pipeline(pipeline, folder, int8=name == "int8")
        draws = contestants(pipeline, words.methods, folders, steps=words.steps)
        times = measure(draws, Shapes().captions(20_000), words.seconds)
        rounds = next(iter(times.values()))[1].n
        parts = [conditions(pipeline, words, rounds), times_table(times, words.steps)]
        if "int8" in folders:
            parts.append(quality_table(pipeline, folders["int8"], words.scenes, words.captions))
    return "\n\n".join(parts)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline", nargs="?", metavar="PIPELINE", help="a saved pipeline's folder")
    parser.add_argument("--size", type=int, help="pixels of the untrained pipeline's pictures (64)")
    parser.add_argument("--seconds", type=float, default=900, help="of rounds, at least 3 (900)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--steps", type=int, default=50, help="of the diffusion (50)")
    parser.add_argument(
        "--scenes", choices=["plain", "hard"], help="which scenes of shapes the pipeline draws"
    )
    parser.add_argument("--captions", type=int, default=500, help="that int8 is judged by (500)")
    parser.add_argument("--out", type=Path, default=Path("runs/latency.md"), help="written too")
    words = parser.parse_args(argv)
    words.load = os.getloadavg()[0]
    try:
        said = run(words)
    except ConfigError as error:
        parser.error(str(error))
    print(said)
    words.out.parent.mkdir(parents=True, exist_ok=True)
    words.out.write_text(said + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
