from collections.abc import Callable

import pytest
import torch

from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline
from textgan.text_encoder import BertTextEncoder


@pytest.fixture(scope="session")
def make_pipeline() -> Callable[..., GANPipeline]:
    """An untrained pipeline of 16 px, whose generator may look at no words or draw in RGBA."""

    def make(*, word_resolutions: tuple[int, ...] = (8,), channels: int = 3) -> GANPipeline:
        torch.manual_seed(0)
        generator = AttentionGenerator(
            image_size=16,
            text_width=8,
            channels=channels,
            noise_width=4,
            width=4,
            max_width=8,
            word_resolutions=word_resolutions,
        )
        encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
        encoder.fit_tokenizer(["a red circle", "a blue square"])
        return GANPipeline(generator, encoder).eval()

    return make


@pytest.fixture(scope="session")
def pipeline(make_pipeline) -> GANPipeline:
    return make_pipeline()
