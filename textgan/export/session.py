"""A graph in a file, ready to run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from textgan.export.files import GRAPHS, INPUTS, OUTPUT, require

# token_ids (B, L) int64, mask (B, L) bool, noise (B, *noise_shape) float32
#   -> images (B, C, H, W) float32 in [-1, 1]
Session = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_ERRORS_ALONE = 3


def open_session(folder: Path, kind: str, *, threads: int | None = None) -> Session:
    """What runs the folder's graph on the CPU.

    Args:
        folder: where the graph is.
        kind: "onnx" or "torch".
        threads: of onnxruntime; None leaves the number to it.

    Raises:
        ConfigError: onnxruntime is not installed.
        ValueError: the file is no ONNX graph; `threads` is below 1, or given where torch runs the
            graph, which has the process's own number.
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

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0 is its own choice
    options.log_severity_level = _ERRORS_ALONE
    broken = state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf
    try:
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except broken as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{file} is not a graph that onnxruntime can run: {said:.200}") from error

    def run(token_ids: np.ndarray, mask: np.ndarray, noise: np.ndarray) -> np.ndarray:
        given = dict(zip(INPUTS, (token_ids, mask, noise), strict=True))
        return session.run([OUTPUT], given)[0]

    return run


def _torch(file: Path) -> Session:
    import torch

    graph = torch.export.load(file).module()

    def run(*given: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return graph(*map(torch.from_numpy, given)).numpy()

    return run
