"""Time one image from caption to PIL image, and measure what 8-bit weights change.

    python -m benchmarks.latency.measure RUN/pipeline --scenes plain

The methods are one pass of the GAN by PyTorch, by torch.compile and by onnxruntime (float32 and
int8), and 50 steps of DDIM through a U-Net of diffusers. The U-Net has random weights, as many
parameters as the generator, the same text encoder and no guidance. All methods read the same new
captions and take turns in one process. The order rotates from round to round, so that a change of
the machine's speed affects all of them. Each is timed on one thread and on all.

Without a pipeline, an untrained one of the default sizes is timed.
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

from benchmarks.latency.contestants import METHODS, Setting, contestants, parameters
from benchmarks.table import markdown_table
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
SETTLE = 0.02  # seconds of pause, because threads of the previous call may still be busy
PACKAGES = {
    "torch": "torch",
    "onnx": "onnxruntime",
    "int8": "onnxruntime",
    "diffusion": "diffusers",
}
INSTALL = {"onnxruntime": "pip install textgan[export]", "diffusers": "pip install diffusers"}


def open_pipeline(path: str | None, size: int | None) -> GANPipeline:
    """Load the pipeline of a folder, or build an untrained one of the default sizes.

    Raises:
        ConfigError: The folder holds no pipeline, or one with another image size.
    """
    if path is None:
        torch.manual_seed(0)
        encoder = BertTextEncoder()
        encoder.fit_tokenizer(Shapes().captions(5_000))
        shape = (3, size or 64, size or 64)
        generator = AttentionGenerator(sample_shape=shape, text_width=encoder.width)
        return GANPipeline(generator, encoder).eval()
    try:
        pipeline = GANPipeline.from_pretrained(path)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    if size not in (None, pipeline.generator.image_size):
        own = pipeline.generator.image_size
        raise ConfigError(f"--size must be left out, or {own} as in {path}, got {size}")
    return pipeline


def measure(
    samplers: dict[Setting, Callable[[list[str]], object]], captions: list[str], seconds: float
) -> dict[Setting, dict[int, Measurement]]:
    """Return the median milliseconds of a call, by setting and by number of images."""
    taken = {setting: {size: [] for size in SIZES} for setting in samplers}
    settings, endless, end = list(samplers), itertools.cycle(captions), 0.0
    for turn in itertools.count(-WARMUP):
        if turn == 0:
            end = time.perf_counter() + seconds
        if turn >= FEWEST_ROUNDS and time.perf_counter() > end:
            break
        # Captions are new for each number of threads, as a frozen text encoder caches earlier ones.
        asked = {s.threads: [[*itertools.islice(endless, n)] for n in SIZES] for s in settings}
        start = turn % len(settings)
        for setting in settings[start:] + settings[:start]:
            torch.set_num_threads(setting.threads)
            for size, words in zip(SIZES, asked[setting.threads], strict=True):
                time.sleep(SETTLE)
                began = time.perf_counter()
                samplers[setting](words)
                if turn >= 0:
                    taken[setting][size].append(1000 * (time.perf_counter() - began))
    return {
        setting: {size: median(torch.tensor(ms, dtype=torch.float64)) for size, ms in sizes.items()}
        for setting, sizes in taken.items()
    }


def times_table(times: dict[Setting, dict[int, Measurement]], steps: int) -> str:
    """Return a table with one row for each number of threads and method."""
    heads = ["threads", "method", "one image, ms", "16 images, ms", "times PyTorch, one", "16"]
    rows = []
    for setting, sizes in sorted(times.items(), key=lambda item: item[0].threads):
        name = METHODS[setting.method] + f", {steps} steps" * (setting.method == "diffusion")
        cells = [_with_interval(sizes[size]) for size in SIZES]
        base = times.get(Setting("eager", setting.threads))
        ratios = [f"{sizes[n] / base[n]:.2f}" if base else "" for n in SIZES]
        rows.append([str(setting.threads), name, *cells, *ratios])
    return markdown_table(heads, rows)


def _with_interval(value: Measurement) -> str:
    known = "" if value.low is None else f" ({value.low:.1f} to {value.high:.1f})"
    return f"**{value:.1f}**{known}"


def quality_table(pipeline: GANPipeline, folder: Path, scenes: str | None, number: int) -> str:
    """Return a table of the effect of 8-bit weights on captions of the test split of scenes."""
    size, hard = pipeline.generator.image_size, scenes == "hard"
    data = Shapes(image_size=size, hard=hard, test_size=number)
    captions = [text for batch in data.test_dataloader() for text in batch.captions]
    samples = {
        "float32": pipeline(captions, output_type="np").images,
        "int8": ExportedPipeline(folder)(captions, output_type="np").images,
    }
    gap = 255 * np.abs(samples["float32"] - samples["int8"])
    rows = []
    for name, images in samples.items():
        right = "not of scenes" if scenes is None else _aligned(images, captions, hard)
        off = "" if name == "float32" else f"{gap.mean():.2f} on average, {gap.max():.0f} at most"
        rows.append([name, f"{number:,}", right, off])
    return markdown_table(["weights", "captions", "all right", "pixels off by, of 255"], rows)


def _aligned(images: np.ndarray, captions: list[str], hard: bool) -> str:
    metric = ShapeAlignment(hard=hard)
    samples = from_unit(torch.from_numpy(images)).permute(0, 3, 1, 2)[:, None]  # (B, 1, C, H, W)
    metric.update(Evaluation(captions, None, samples))
    share = metric.compute()["all"]
    return f"**{share:.1%}** ({share.low:.1%} to {share.high:.1%})"


def conditions(pipeline: GANPipeline, words: argparse.Namespace, rounds: int) -> str:
    """Describe the date, the pipeline and the machine of the tables in one sentence."""
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
    """Measure, and return the whole text."""
    for package in (PACKAGES.get(method) for method in words.methods):
        if package is not None and importlib.util.find_spec(package) is None:
            raise ConfigError(f"{package} is not installed: {INSTALL[package]}, or leave it out")
    pipeline = open_pipeline(words.pipeline, words.size)
    with tempfile.TemporaryDirectory() as place:
        folders = {name: Path(place) / name for name in ("onnx", "int8") if name in words.methods}
        for name, folder in folders.items():
            export_pipeline(pipeline, folder, int8=name == "int8")
        samplers = contestants(pipeline, words.methods, folders, steps=words.steps)
        times = measure(samplers, Shapes().captions(20_000), words.seconds)
        rounds = next(iter(times.values()))[1].n
        parts = [conditions(pipeline, words, rounds), times_table(times, words.steps)]
        if "int8" in folders:
            parts.append(quality_table(pipeline, folders["int8"], words.scenes, words.captions))
    return "\n\n".join(parts)


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "pipeline", nargs="?", metavar="PIPELINE", help="the folder of a saved pipeline"
    )
    parser.add_argument("--size", type=int, help="image size of the untrained pipeline (64)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=900,
        help="duration of the rounds, of which there are at least 3 (900)",
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--steps", type=int, default=50, help="steps of the diffusion model (50)")
    parser.add_argument(
        "--scenes", choices=["plain", "hard"], help="the kind of scenes that the pipeline generates"
    )
    parser.add_argument(
        "--captions",
        type=int,
        default=500,
        help="number of captions that int8 is measured with (500)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/latency.md"), help="the file to write (%(default)s)"
    )
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
