"""A graph in a file, ready to run."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textgan.export.files import GRAPHS, INPUTS, OUTPUT, require
from textgan.export.graph_file import read_onnx

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# token_ids (B, L) int64, mask (B, L) bool, noise (B, *noise_shape) float32
#   -> images (B, C, H, W) float32 in [-1, 1]
Session = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_NOTHING_BUT_FATAL = 4  # errors are raised, and are not printed as well


def open_session(folder: Path, kind: str, *, threads: int | None = None) -> Session:
    """What runs the folder's graph on the CPU.

    Args:
        folder: where the graph is.
        kind: "onnx" or "torch". `torch.export.load` unpickles, so that whoever wrote the folder can
            have any code run: take the kind from the caller, never from the folder.
        threads: of onnxruntime; None leaves the number to it.

    Raises:
        ConfigError: onnxruntime is not installed.
        ValueError: the file is no ONNX graph, or one that `read_onnx` refuses; `threads` is below
            1, or given where torch runs the graph, which has the process's own number. The session
            raises it where the graph cannot draw what it is given.
    """
    if threads is not None and (threads < 1 or kind != "onnx"):
        rule = "threads must be at least 1, and None for the format torch"
        raise ValueError(f"{rule}, got {threads} for the format {kind}")
    file = folder / GRAPHS[kind]
    return _onnx(file, threads) if kind == "onnx" else _torch(file)


def _onnx(file: Path, threads: int | None) -> Session:
    require("onnxruntime")
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    content, options = read_onnx(file), onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0 is its own choice
    options.log_severity_level = _NOTHING_BUT_FATAL
    failures = (
        *(state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf),
        *(state.NotImplemented, state.RuntimeException),
    )
    try:
        # A few bytes that ask for a tensor of gigabytes would have it made here already by constant
        # folding, which the exporter has done.
        session = onnxruntime.InferenceSession(
            content,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["ConstantFolding"],
        )
    except failures as error:
        raise ValueError(
            f"{file} is not a graph that onnxruntime can run: {_said(error)}"
        ) from error
    _accept_names(file, session)

    def run(token_ids: np.ndarray, mask: np.ndarray, noise: np.ndarray) -> np.ndarray:
        given = dict(zip(INPUTS, (token_ids, mask, noise), strict=True))
        try:
            return session.run([OUTPUT], given)[0]
        except failures as error:
            raise ValueError(f"{file} cannot draw what it is given: {_said(error)}") from error

    return run


def _accept_names(file: Path, session: "InferenceSession") -> None:
    """Refuse a graph whose inputs and outputs are not those that `export_pipeline` writes.

    Raises:
        ValueError: they are others.
    """
    kinds = dict(zip(INPUTS, ("tensor(int64)", "tensor(bool)", "tensor(float)"), strict=True))
    found = {one.name: one.type for one in session.get_inputs()}
    if found != kinds or [one.name for one in session.get_outputs()] != [OUTPUT]:
        rule = f"{file} must take {', '.join(INPUTS)} and give {OUTPUT}"
        raise ValueError(f"{rule}, but its inputs or outputs are others")


def _said(error: Exception) -> str:
    """The first words of onnxruntime's sentence, on one line."""
    return " ".join(str(error).split())[:200]


def _torch(file: Path) -> Session:
    import torch

    graph = torch.export.load(file).module()

    def run(*given: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return graph(*map(torch.from_numpy, given)).numpy()

    return run
