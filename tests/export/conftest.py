"""Tiny pipelines, and the folders that they are exported to."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from textgan.export import ExportedPipeline, export_pipeline
from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline
from textgan.text_encoder import (
    BertTextEncoder,
    FrozenTextEncoder,
    PretrainedTextEncoder,
    TextEncoder,
)

CAPTIONS = [
    "a red circle",
    "",
    "a blue square left of a green star",
    "<end> 两个绿色的方块 Ünïcode",
    "A STAR",
]


def _bert() -> BertTextEncoder:
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=300, max_length=24)
    encoder.fit_tokenizer(CAPTIONS * 2)
    return encoder


def _pretrained() -> PretrainedTextEncoder:
    """Make a pretrained encoder as it is loaded from a saved folder."""
    architecture = {
        **{"model_type": "bert", "vocab_size": 300, "hidden_size": 12, "intermediate_size": 16},
        **{"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 24},
    }
    encoder = PretrainedTextEncoder(width=8, architecture=architecture, max_length=24, frozen=True)
    encoder.tokenizer.load_state_dict(_bert().tokenizer.state_dict())
    return encoder


ENCODERS: dict[str, Callable[[], TextEncoder]] = {
    "from scratch": _bert,
    "frozen": lambda: FrozenTextEncoder(_bert()),
    "pretrained": _pretrained,
}


def _pipeline(encoder: str = "from scratch", channels: int = 3) -> GANPipeline:
    torch.manual_seed(0)
    generator = AttentionGenerator(
        sample_shape=(channels, 16, 16), text_width=8, noise_width=4, width=4, max_width=8
    )
    pipeline = GANPipeline(generator, ENCODERS[encoder]()).eval()
    with torch.no_grad():
        for weight in pipeline.parameters():
            # A larger alpha would only give white and black images.
            weight.add_(torch.randn_like(weight), alpha=0.05)
    return pipeline


@pytest.fixture(scope="session")
def make_pipeline() -> Callable[..., GANPipeline]:
    """Makes the same one each time, whose images have all values."""
    return _pipeline


@pytest.fixture(scope="session")
def pipeline() -> GANPipeline:
    return _pipeline()


@pytest.fixture(scope="session")
def onnx_packages() -> None:
    """Skips where the extra is not installed."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra: pip install textgan[export]")


def _exported_once(factory: pytest.TempPathFactory, pipeline: GANPipeline, format: str) -> Path:
    """Export a pipeline once for all test processes."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / f"exported_{format}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            export_pipeline(pipeline, folder, format=format)
    return folder


@pytest.fixture(scope="session")
def onnx_folder(onnx_packages, pipeline, tmp_path_factory) -> Path:
    """`pipeline` as ONNX."""
    return _exported_once(tmp_path_factory, pipeline, "onnx")


@pytest.fixture(scope="session")
def torch_folder(pipeline, tmp_path_factory) -> Path:
    """`pipeline` by torch.export."""
    return _exported_once(tmp_path_factory, pipeline, "torch")


@pytest.fixture(scope="session", params=["onnx", "torch"])
def folder(request) -> Path:
    """`pipeline` in either format."""
    return request.getfixturevalue(f"{request.param}_folder")


@pytest.fixture(scope="session")
def exported(folder) -> ExportedPipeline:
    """The pipeline in it."""
    kind = "onnx" if (folder / "model.onnx").exists() else "torch"
    return ExportedPipeline(folder, format=kind)
