"""An untrusted exported folder runs no code, reads no other file, and is checked."""

import json
import pickle
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from textgan.export import ExportedPipeline

onnx = pytest.importorskip("onnx", reason="needs the extra: pip install textgan[export]")
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10  # in what getrusage counts
INPUTS = {"token_ids": "INT64", "mask": "BOOL", "noise": "FLOAT"}


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def folder(onnx_folder, tmp_path) -> Path:
    """A copy of an exported one."""
    return shutil.copytree(onnx_folder, tmp_path / "folder")


@pytest.fixture
def change(folder) -> Callable[..., None]:
    """Changes fields of its export.json."""

    def write(**fields: object) -> None:
        file = folder / "export.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))

    return write


@pytest.fixture
def graph(folder) -> Callable[..., None]:
    """Puts a graph of these nodes and weights in the place of its own."""

    def write(nodes, weights=(), *, inputs=INPUTS, output="images") -> None:
        kind = onnx.TensorProto
        makes = onnx.helper.make_tensor_value_info
        made = onnx.helper.make_graph(
            nodes,
            "graph",
            [makes(name, getattr(kind, of), None) for name, of in inputs.items()],
            [makes(output, kind.FLOAT, None)],
            weights,
        )
        opset = [onnx.helper.make_opsetid("", 20)]
        model = onnx.helper.make_model(made, opset_imports=opset, ir_version=9)
        (folder / "model.onnx").write_bytes(model.SerializeToString())

    return write


def node(kind: str, *inputs: str, output: str = "images", **attributes: object):
    return onnx.helper.make_node(kind, list(inputs), [output], **attributes)


def elsewhere(location: str):
    """A weight in another file."""
    tensor = onnx.TensorProto(name="weight", data_type=onnx.TensorProto.FLOAT, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant(value: object):
    return onnx.numpy_helper.from_array(np.array(value), "weight")


def test_the_folder_does_not_choose_the_loader_that_unpickles(
    folder, change, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.export, "load", None)  # calling it would be a TypeError
    (folder / "model.pt2").write_bytes(pickle.dumps(Touch(tmp_path / "harm")))
    change(format="torch")
    with pytest.raises(ValueError, match=r'give format="torch" only if you trust its author'):
        ExportedPipeline(folder)
    assert not (tmp_path / "harm").exists()


def test_a_pickle_under_the_name_of_an_onnx_graph_is_not_opened(folder, tmp_path):
    (folder / "model.onnx").write_bytes(pickle.dumps(Touch(tmp_path / "harm")))
    with pytest.raises(ValueError, match="is not an ONNX graph"):
        ExportedPipeline(folder)
    assert not (tmp_path / "harm").exists()


def test_a_folder_of_the_other_format_is_refused(onnx_folder, torch_folder):
    with pytest.raises(ValueError, match=r'holds model.onnx, which is opened by format="onnx"'):
        ExportedPipeline(onnx_folder, format="torch")
    with pytest.raises(ValueError, match=r"holds model.pt2, whose loader runs any code"):
        ExportedPipeline(torch_folder)
    with pytest.raises(ValueError, match='format must be "onnx" or "torch", got \'pickle\''):
        ExportedPipeline(torch_folder, format="pickle")


@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "/etc/hostname"])
@pytest.mark.parametrize("place", ["weight", "attribute", "inner graph", "sparse", "function"])
def test_weights_in_other_files_are_not_read(folder, graph, tmp_path, location, place):
    (tmp_path / "secret.bin").write_bytes(b"secret" * 9)
    shutil.copy(tmp_path / "secret.bin", folder)
    tensor = elsewhere(location)
    if place == "weight":
        graph([node("Identity", "weight")], [tensor])
    elif place == "attribute":
        graph([node("Constant", value=tensor)])
    elif place == "sparse":
        indices = onnx.helper.make_tensor("i", onnx.TensorProto.INT64, [4], range(4))
        sparse = onnx.helper.make_sparse_tensor(tensor, indices, [4])
        graph([node("Constant", sparse_value=sparse)])
    elif place == "inner graph":
        out = onnx.helper.make_tensor_value_info("weight", onnx.TensorProto.FLOAT, [4])
        inner = onnx.helper.make_graph([], "inner", [], [out], [tensor])
        graph([node("If", "mask", then_branch=inner, else_branch=inner)])
    else:
        opset = [onnx.helper.make_opsetid("", 20)]
        made = onnx.helper.make_function(
            "mine", "Mine", [], ["y"], [node("Constant", output="y", value=tensor)], opset
        )
        graph([node("Identity", "noise")])
        model = onnx.load(folder / "model.onnx")
        model.functions.append(made)
        onnx.save(model, folder / "model.onnx")
    with pytest.raises(ValueError, match="must hold all of its weights, but names another file"):
        ExportedPipeline(folder)


@pytest.mark.parametrize(
    ("nodes", "options", "sentence"),
    [
        ([("Identity", "noise")], {"inputs": {"noise": "FLOAT"}}, "must take token_ids, mask, noi"),
        ([("Identity", "noise")], {"inputs": INPUTS | {"more": "FLOAT"}}, "must take token_ids"),
        ([("Identity", "noise")], {"inputs": INPUTS | {"mask": "FLOAT"}}, "must take token_ids"),
        ([("Nothing", "noise")], {}, "is not a graph that onnxruntime can run"),
        ([("Identity", "nothing")], {}, "is not a graph that onnxruntime can run"),
    ],
)
def test_a_graph_of_another_kind_is_refused(folder, graph, nodes, options, sentence):
    graph([node(*words) for words in nodes], **options)
    with pytest.raises(ValueError, match=sentence):
        ExportedPipeline(folder)


def test_a_loop_without_end_is_refused(folder, graph):
    out = onnx.helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, [])
    body = onnx.helper.make_graph(
        [node("Identity", "before", output="on")],
        "body",
        [
            onnx.helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            onnx.helper.make_tensor_value_info("before", onnx.TensorProto.BOOL, []),
        ],
        [out],
    )
    graph([node("Identity", "noise"), node("Loop", "", "weight", output="", body=body)])
    with pytest.raises(ValueError, match="must have no Loop, which might never end"):
        ExportedPipeline(folder)


def test_a_tensor_of_gigabytes_in_a_few_bytes_is_not_made_at_loading(folder, graph):
    huge = node("ConstantOfShape", "weight", output="huge")
    graph([huge, node("ReduceSum", "huge", keepdims=0)], [constant([2**29])])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ExportedPipeline(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * MEGABYTE


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ([("ConstantOfShape", "weight")], "model.onnx cannot be run: "),
        ([("Identity", "noise")], r"must return float32 \(1, 3, 16, 16\), by export.json, got"),
    ],
)
def test_a_graph_that_fails_is_one_sentence(folder, graph, nodes, sentence):
    graph([node(*words) for words in nodes], [constant([2**45])])
    with pytest.raises(ValueError, match=sentence):
        ExportedPipeline(folder)("a star")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        *(({"noise_shape": shape}, "noise_shape") for shape in ([2**40], [2**20, 2**20], [-1])),
        *(({"noise_shape": shape}, "noise_shape") for shape in (["a"], [True], 5)),
        *(({"image_size": size}, "image_size") for size in (10**9, -1)),
        *(({"pad_id": pad_id}, "pad_id") for pad_id in (-1, 2**40)),
        *(({"channels": 0}, "channels"), ({"max_length": 0}, "max_length")),
        *(({"format": []}, "all fields"), ({"int8": "no"}, "a <class 'bool'> as int8")),
        ({"format_version": 9}, "all fields of format_version 1, got version 9 with 13"),
    ],
    ids=str,
)
def test_fields_of_a_wrong_kind_or_size_are_named(folder, change, fields, sentence):
    change(**fields)
    with pytest.raises(ValueError, match=f"export.json must have .*{sentence}"):
        ExportedPipeline(folder)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("model.onnx", b"half", "model.onnx is not an ONNX graph"),
        ("model.onnx", None, "has no model.onnx, which its export.json names"),
        ("tokenizer.json", b'{"model"', "tokenizer.json is not a tokenizer's JSON"),
        ("tokenizer.json", b"[]", "tokenizer.json is not a tokenizer's JSON with an object under"),
        ("tokenizer.json", b"{}", "tokenizer.json is not a tokenizer's JSON"),
        ("tokenizer.json", None, "has no tokenizer.json"),
        ("export.json", b"[", "export.json is not valid JSON"),
        ("export.json", b"3", "all fields of format_version 1, got version None with 0"),
        ("export.json", b"{}", "must have all fields of format_version 1"),
        ("export.json", None, "one that textgan export wrote, but .* has no export.json"),
    ],
)
def test_a_folder_with_a_broken_or_missing_file_is_refused(folder, file, content, sentence):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(FileNotFoundError if content is None else ValueError, match=sentence):
        ExportedPipeline(folder)
