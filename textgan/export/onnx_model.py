"""A traced graph as ONNX, in float32 or with weights of 8 bits."""

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
    """Translate what was traced of the graph, weights and all, into one file."""
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
    """Turn the weights of matrix products into 8 bits, each channel with a scale of its own.

    What they are multiplied with is rounded to 8 bits as it comes (dynamic quantisation).
    Convolutions stay as they are: onnxruntime is not faster with those of 8 bits.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(file)
    # Shapes of weights, which some versions of onnxruntime transpose and then find contradicted.
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
    """Neither warnings nor log lines of the exporter; the root logger stays as it was."""
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers = list(root.handlers)
    logging.disable(max(disabled, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers  # `logging.warning` makes one where there is none
