"""Validation of an untrusted ONNX file before it is run."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from textgan.export.files import require

if TYPE_CHECKING:
    import onnx

_LARGEST = 2**31 - 1  # bytes, the limit of protobuf, in which ONNX files are written
# The number of steps is not bounded by the size of a tensor.
_ENDLESS = ("Loop",)


def read_onnx(file: Path) -> bytes:
    """Read the file, and check that it is a whole graph that names no other file.

    `export_pipeline` writes weights into the file of the graph. An untrusted graph could name any
    other file for its weights, and so make images of the file's content.

    Args:
        file: is read once, so that the checked bytes are those that are run.

    Raises:
        ConfigError: onnx is not installed.
        ValueError: the file is too large or no ONNX graph, names another file, or has an operator
            that might never end.
    """
    require("onnx")
    import onnx
    from google.protobuf.message import DecodeError

    with file.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{file} must have at most {_LARGEST:,} bytes, got more")
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ValueError(f"{file} is not an ONNX graph: {error}") from error
    nodes = itertools.chain(model.graph.node, *(function.node for function in model.functions))
    for message in itertools.chain([model.graph], _below(nodes)):
        _check(message, file)
    return content


def _below(nodes: Iterator["onnx.NodeProto"]) -> Iterator["onnx.NodeProto | onnx.GraphProto"]:
    """Return the nodes, the graphs inside their attributes, and the nodes of those."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield graph
                waiting += graph.node


def _check(message: "onnx.NodeProto | onnx.GraphProto", file: Path) -> None:
    import onnx

    if isinstance(message, onnx.GraphProto):
        sparse = [part for tensor in message.sparse_initializer for part in _parts(tensor)]
        tensors = [*message.initializer, *sparse]
    else:
        if message.op_type in _ENDLESS:
            raise ValueError(f"{file} must have no {message.op_type}, which might never end")
        tensors = []
        for one in message.attribute:
            sparse = (one.sparse_tensor, *one.sparse_tensors)
            tensors += (one.t, *one.tensors, *(part for each in sparse for part in _parts(each)))
    if any(t.external_data or t.data_location == t.EXTERNAL for t in tensors):
        raise ValueError(f"{file} must hold all of its weights, but names another file for some")


def _parts(sparse: "onnx.SparseTensorProto") -> tuple["onnx.TensorProto", "onnx.TensorProto"]:
    return sparse.values, sparse.indices
