from collections.abc import Callable

import pytest
import torch

from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline
from textgan.text_encoder import BertTextEncoder


@pytest.fixture(scope="session")
def make_encoder() -> Callable[..., BertTextEncoder]:
    """Captions -> an untrained text encoder of width 8 that has read them."""

    def make(captions: list[str], **options: int) -> BertTextEncoder:
        options = {"width": 8, "depth": 1, "num_heads": 2, "vocab_size": 270, **options}
        encoder = BertTextEncoder(**options)
        encoder.fit_tokenizer(captions)
        return encoder.eval()

    return make


@pytest.fixture(scope="session")
def make_judge(make_encoder) -> Callable[..., ContrastivePipeline]:
    """Captions -> an untrained contrastive pipeline of 16 px that has read them."""

    def make(captions: list[str], *, channels: int = 3, **options: object) -> ContrastivePipeline:
        torch.manual_seed(0)
        images = ResNetImageEncoder(
            image_size=16, channels=channels, width=8, base_width=4, max_width=8
        )
        return ContrastivePipeline(images, make_encoder(captions), **options).eval()

    return make
