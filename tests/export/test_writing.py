"""The files of an export, and refusals that leave no file."""

import copy
import importlib.util
import json

import numpy as np
import pytest
import torch

from textgan import __version__
from textgan.caption.tokenizer import Tokenizer
from textgan.errors import ConfigError
from textgan.export import ExportedPipeline, export_pipeline, graph
from textgan.export.check import INT8, accept_differences
from textgan.pipeline import GANPipeline
from textgan.pretrained.frozen import weights_hash
from textgan.text_encoder import BertTextEncoder

CAPTIONS = ["a red circle", "", "a blue square left of a star", "<end> 两个 Ünïcode", "A STAR"]


@pytest.mark.slow
@pytest.mark.parametrize(("encoder", "channels"), [("frozen", 4), ("pretrained", 1)])
def test_every_encoder_and_any_channels_are_exported_and_not_changed(
    make_pipeline, encoder, channels, tmp_path
):
    pipeline = make_pipeline(encoder, channels)
    expected = pipeline(CAPTIONS).images  # fills the cache
    before = copy.deepcopy(pipeline.state_dict())
    pipeline.train()
    folder = tmp_path / "new" / "graph" if channels == 1 else tmp_path  # which is empty
    export_pipeline(pipeline, folder, format="torch")
    for one, other in zip(
        ExportedPipeline(folder, format="torch")(CAPTIONS).images, expected, strict=True
    ):
        assert one.mode == other.mode == {1: "L", 4: "RGBA"}[channels]
        assert np.abs(np.array(one).astype(int) - np.array(other)).max() <= 1
    assert all(torch.equal(value, before[name]) for name, value in pipeline.state_dict().items())
    assert pipeline.generator.training
    assert all(weight.requires_grad for weight in pipeline.generator.parameters())


def test_export_json_has_all_facts(folder, pipeline):
    known = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    kind, greatest, mean = (
        known.pop(k) for k in ("format", "greatest_difference", "mean_difference")
    )
    assert 0 <= mean < 1e-6
    assert mean <= greatest <= 1e-3
    assert known == {
        "format_version": 1,
        "int8": False,
        "image_size": 16,
        "channels": 3,
        "noise_shape": [4],
        "max_length": 24,
        "pad_id": pipeline.text_encoder.tokenizer.pad_id,
        "opset": {"onnx": 20, "torch": None}[kind],
        "weights_sha256": weights_hash(pipeline),
        "textgan": __version__,
        "torch": torch.__version__,
    }
    graph = {"onnx": "model.onnx", "torch": "model.pt2"}[kind]
    assert {file.name for file in folder.iterdir()} == {graph, "tokenizer.json", "export.json"}


def test_the_graph_names_what_it_takes_and_which_sizes_are_free(onnx_folder):
    import onnx

    graph = onnx.load(onnx_folder / "model.onnx").graph
    sizes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert sizes == {
        "token_ids": ["batch", "length"],
        "mask": ["batch", "length"],
        "noise": ["batch", 4],
        "images": ["batch", 3, 16, 16],
    }


def test_a_graph_with_other_images_is_refused_and_leaves_no_file(
    pipeline, torch_folder, tmp_path, monkeypatch
):
    written = torch.export.load(torch_folder / "model.pt2")
    monkeypatch.setattr(graph, "trace", lambda module: written)
    pipeline = copy.deepcopy(pipeline)
    with torch.no_grad():
        pipeline.generator.start.bias.add_(0.5)
    with pytest.raises(ConfigError, match=r"must be within 0.001 of PyTorch's in \[-1, 1\]"):
        export_pipeline(pipeline, tmp_path / "graph", format="torch")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("greatest", [2.5, float("nan")])
def test_a_graph_that_is_far_off_or_no_number_is_refused(greatest):
    accept_differences(0.5, 0.01, INT8)
    with pytest.raises(ConfigError, match="within 2 of PyTorch's"):
        accept_differences(greatest, 0.01, INT8)


def test_a_tokenizer_that_splits_otherwise_is_refused(pipeline, tmp_path, monkeypatch):
    other = Tokenizer(300, lowercase=False)
    other.fit(CAPTIONS)
    state = other.get_extra_state()
    monkeypatch.setattr(Tokenizer, "get_extra_state", lambda self: state)
    with pytest.raises(ConfigError, match="must split captions as the pipeline does, but not"):
        export_pipeline(pipeline, tmp_path / "graph", format="torch")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_is_refused(pipeline, tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for taken in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(
            FileExistsError, match=r"folder must be new or empty, but .* is not empty"
        ):
            export_pipeline(pipeline, taken, format="torch")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"format": "tflite"}, 'format must be "onnx" or "torch", got \'tflite\''),
        ({"format": "torch", "int8": True}, 'int8 must be False for the format "torch"'),
    ],
)
def test_wrong_arguments_are_refused(pipeline, tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        export_pipeline(pipeline, tmp_path / "graph", **options)


def test_a_text_encoder_without_tokens_or_vocabulary_is_refused(pipeline, tmp_path):
    untrained = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=300)
    with pytest.raises(ValueError, match="must have been trained, but it has no vocabulary"):
        export_pipeline(GANPipeline(pipeline.generator, untrained), tmp_path / "a", format="torch")
    other = GANPipeline(pipeline.generator, torch.nn.Identity())
    with pytest.raises(TypeError, match="must be computed from token ids, got Identity"):
        export_pipeline(other, tmp_path / "a", format="torch")


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_one_sentence(pipeline, tmp_path, monkeypatch, package):
    found = importlib.util.find_spec
    absent = lambda name, *rest: None if name == package else found(name, *rest)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", absent)
    with pytest.raises(ConfigError, match=r"pip install textgan\[export\]"):
        export_pipeline(pipeline, tmp_path / "graph")


def test_sampling_without_onnxruntime_is_one_sentence(onnx_folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"onnxruntime is not installed: pip install textgan"):
        ExportedPipeline(onnx_folder)
