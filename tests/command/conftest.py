from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline
from textgan.text_encoder import BertTextEncoder


def text_encoder() -> BertTextEncoder:
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle", "a blue square"])
    return encoder


@pytest.fixture(scope="session")
def contrastive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny contrastive pipeline."""
    torch.manual_seed(0)
    images = ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8)
    folder = tmp_path_factory.mktemp("contrastive") / "pipeline"
    ContrastivePipeline(images, text_encoder()).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def generative(tiny_pipeline: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny pipeline that generates images."""
    folder = tmp_path_factory.mktemp("generative") / "pipeline"
    tiny_pipeline(["a red circle", "a blue square"]).save_pretrained(folder)
    return folder


@pytest.fixture
def refused(textgan: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """Run the command with a mistake: words -> the only line that it prints, after status 2."""

    def run(*words: str) -> str:
        status, out, err = textgan(*words)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        return err

    return run
