"""Export of a pipeline as one graph and a tokenizer."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textgan import __version__
from textgan.export.files import GRAPHS, TOKENIZER, ExportInfo, require

if TYPE_CHECKING:
    from textgan.caption.tokenizer import Tokenizer
    from textgan.export.graph import SamplingGraph
    from textgan.export.tokens import CaptionReader
    from textgan.pipeline import Pipeline


def export_pipeline(
    pipeline: "Pipeline",
    folder: str | Path,
    *,
    format: Literal["onnx", "torch"] = "onnx",
    int8: bool = False,
) -> ExportInfo:
    """Write a pipeline as files that need no textgan, and compare their images with its own.

    One graph holds text encoder and generator: token_ids (B, L) int64, mask (B, L) bool and noise
    (B, *noise_shape) float32 -> images (B, C, H, W) float32 in [-1, 1], for any B, and any L up to
    the encoder's longest caption. `tokenizer.json` is a file of the tokenizers library; set its
    `encode_special_tokens`, so that special tokens in a caption are read as letters. `export.json`
    has all other facts (`ExportInfo`).

    Args:
        pipeline: with the ability "one_graph"; it is not changed.
        folder: must be new or empty; it is written completely or not at all.
        format: "onnx" writes `model.onnx`; "torch", by `torch.export.save`, `model.pt2`.
        int8: whether the weights of matrix products are quantised to 8 bits; for ONNX alone.

    Returns:
        The content of `export.json`, with the difference between graph and pipeline.

    Raises:
        TypeError: the pipeline lacks the ability, or its text encoder has no tokenizer.
        ValueError: an argument is out of range, or the text encoder has no vocabulary.
        FileExistsError: the folder is not empty.
        ConfigError: a package is missing, or the images of graph and pipeline differ.
    """
    folder = Path(folder)
    if format not in GRAPHS:
        raise ValueError(f'format must be "onnx" or "torch", got {format!r}')
    if int8 and format != "onnx":
        raise ValueError(f'int8 must be False for the format "torch", got {int8}')
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"folder must be new or empty, but {str(folder)!r} is not empty")
    if format == "onnx":
        require("onnx", "onnxscript", "onnxruntime")

    from textgan.export.graph import SamplingGraph
    from textgan.pretrained.frozen import weights_hash

    graph = SamplingGraph(pipeline)
    with _beside(folder) as beside:
        reader = _write_tokenizer(graph.tokenizer, beside / TOKENIZER)
        opset = _write_graph(graph, beside, format, int8)
        gaps = _check_graph(graph, reader, beside, format, int8)
        info = _information(graph, format, int8, opset, weights_hash(pipeline), gaps)
        info.write(beside)
    return info


def _write_graph(graph: "SamplingGraph", folder: Path, kind: str, int8: bool) -> int | None:
    """Write the file of the graph; return the version of ONNX's operators, or None for torch."""
    import torch

    from textgan.export.graph import trace

    program = trace(graph)
    if kind == "torch":
        torch.export.save(program, folder / GRAPHS[kind])
        return None

    from textgan.export.onnx_model import OPSET, quantise, write_onnx

    write_onnx(program, graph, folder / GRAPHS[kind])
    if int8:
        quantise(folder / GRAPHS[kind])
    return OPSET


def _write_tokenizer(tokenizer: "Tokenizer", file: Path) -> "CaptionReader":
    """Write `tokenizer.json`, and return a checked reader of it."""
    import tokenizers

    from textgan.export.check import accept_tokens
    from textgan.export.tokens import CaptionReader

    text = tokenizer.get_extra_state().numpy().tobytes().decode()
    backend = tokenizers.Tokenizer.from_str(text)
    backend.enable_truncation(tokenizer.max_length)
    backend.enable_padding(pad_id=tokenizer.pad_id, pad_token=backend.padding["pad_token"])
    file.write_text(backend.to_str(pretty=True), encoding="utf-8")
    reader = CaptionReader(file, tokenizer.pad_id)
    accept_tokens(tokenizer, reader)
    return reader


def _check_graph(
    graph: "SamplingGraph", reader: "CaptionReader", folder: Path, kind: str, int8: bool
) -> tuple[float, float]:
    """Return the greatest and the mean difference between images of the file and the graph."""
    from textgan.export.check import FLOAT, INT8, accept_differences, differences
    from textgan.export.session import open_session

    gaps = differences(graph, open_session(folder, kind), reader)
    accept_differences(*gaps, INT8 if int8 else FLOAT)
    return gaps


def _information(
    graph: "SamplingGraph",
    kind: str,
    int8: bool,
    opset: int | None,
    weights: str,
    gaps: tuple[float, float],
) -> ExportInfo:
    import torch

    tokenizer, pipeline = graph.tokenizer, graph.pipeline
    return ExportInfo(
        format=kind,
        int8=int8,
        image_size=pipeline.image_size,
        channels=pipeline.channels,
        noise_shape=pipeline.noise_shape,
        max_length=tokenizer.max_length,
        pad_id=tokenizer.pad_id,
        opset=opset,
        weights_sha256=weights,
        textgan=__version__,
        torch=torch.__version__,
        greatest_difference=gaps[0],
        mean_difference=gaps[1],
    )


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Yield a new folder, which replaces `folder` at the end, or is removed after an error."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        yield beside
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
