"""Running the graph of an exported folder."""

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
_ONLY_FATAL = 4  # errors are raised, and need not be printed too


def open_session(folder: Path, kind: str, *, threads: int | None = None) -> Session:
    """Return a function that runs the folder's graph on the CPU.

    Args:
        folder: of the graph.
        kind: "onnx" or "torch". `torch.export.load` unpickles, and so runs any code in the file:
            take the kind from the caller, never from the folder.
        threads: of onnxruntime; None means its own choice.

    Raises:
        ConfigError: onnxruntime is not installed.
        ValueError: the file is no ONNX graph, or `read_onnx` refuses it; `threads` is below 1, or
            given for torch, which uses the threads of the process. The returned function raises
            it if the graph fails.
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
    options.intra_op_num_threads = threads or 0  # 0: its own choice
    options.log_severity_level = _ONLY_FATAL
    failures = (
        *(state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf),
        *(state.NotImplemented, state.RuntimeException),
    )
    try:
        # Constant folding would allocate here a tensor of gigabytes that an untrusted file defines
        # in a few bytes. The exporter has folded constants already.
        session = onnxruntime.InferenceSession(
            content,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["ConstantFolding"],
        )
    except failures as error:
        raise ValueError(
            f"{file} is not a graph that onnxruntime can run: {_first_words(error)}"
        ) from error
    _accept_names(file, session)

    def run(token_ids: np.ndarray, mask: np.ndarray, noise: np.ndarray) -> np.ndarray:
        given = dict(zip(INPUTS, (token_ids, mask, noise), strict=True))
        try:
            return session.run([OUTPUT], given)[0]
        except failures as error:
            raise ValueError(f"{file} cannot be run: {_first_words(error)}") from error

    return run


def _accept_names(file: Path, session: "InferenceSession") -> None:
    """Raise ValueError unless the inputs and outputs are those of `export_pipeline`."""
    kinds = dict(zip(INPUTS, ("tensor(int64)", "tensor(bool)", "tensor(float)"), strict=True))
    found = {one.name: one.type for one in session.get_inputs()}
    if found != kinds or [one.name for one in session.get_outputs()] != [OUTPUT]:
        rule = f"{file} must take {', '.join(INPUTS)} and give {OUTPUT}"
        raise ValueError(f"{rule}, but its inputs or outputs are others")


def _first_words(error: Exception) -> str:
    """Return the beginning of onnxruntime's message, on one line."""
    return " ".join(str(error).split())[:200]


def _torch(file: Path) -> Session:
    import torch

    graph = torch.export.load(file).module()

    def run(*given: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return graph(*map(torch.from_numpy, given)).numpy()

    return run
