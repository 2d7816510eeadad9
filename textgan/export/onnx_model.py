"""Conversion of a traced graph to ONNX, in float32 or with 8-bit weights."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.export import ExportedProgram

from textgan.export.files import INPUTS, OUTPUT
from textgan.export.graph import SamplingGraph, dynamic_shapes

OPSET = 20


def write_onnx(program: ExportedProgram, graph: SamplingGraph, file: Path) -> None:
    """Write a traced graph with its weights into one ONNX file."""
    with _silence():
        onnx = torch.onnx.export(
            program,
            graph.example(),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=INPUTS,
            output_names=[OUTPUT],
            dynamic_shapes=dynamic_shapes(graph.tokenizer.max_length),
        )
        onnx.save(file, external_data=False)


def quantise(file: Path) -> None:
    """Quantise the weights of matrix products to 8 bits, with one scale per channel.

    Their inputs are rounded to 8 bits when they are computed (dynamic quantisation). Convolutions
    are not quantised: onnxruntime is not faster with 8-bit ones.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(file)
    # Some versions of onnxruntime transpose weights, and then refuse their stored shapes.
    del model.graph.value_info[:]
    with _silence():
        quantize_dynamic(
            model,
            file,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress warnings and log lines of the exporter, and restore the root logger."""
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers = list(root.handlers)
    logging.disable(max(disabled, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers  # `logging.warning` adds one if there is none
