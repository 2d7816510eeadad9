import base64
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.app import sampling
from textgan.app.sampling import SampleRequest, Samples, sample_batch
from textgan.autoencoder import ConvolutionAutoencoder
from textgan.generator import AttentionGenerator
from textgan.pipeline import DallePipeline, GANPipeline
from textgan.prior import GPTPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder


@pytest.fixture(scope="session")
def make_pipeline() -> Callable[..., GANPipeline]:
    """An untrained pipeline, whose generator may attend to no words."""

    def make(*, word_resolutions: tuple[int, ...] = (8,), image_size: int = 16) -> GANPipeline:
        torch.manual_seed(0)
        small = {"text_width": 8, "noise_width": 4, "width": 4, "max_width": 8}
        generator = AttentionGenerator(
            sample_shape=(3, image_size, image_size), word_resolutions=word_resolutions, **small
        )
        encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
        encoder.fit_tokenizer(["a red circle", "a blue square"])
        return GANPipeline(generator, encoder).eval()

    return make


@pytest.fixture(scope="session")
def pipeline(make_pipeline) -> GANPipeline:
    return make_pipeline()


@pytest.fixture
def every_frame(monkeypatch) -> None:
    """Unfinished images are shown as often as there are some."""
    monkeypatch.setattr(sampling, "_FRAME_SECONDS", 0.0)


@pytest.fixture(scope="session")
def stepwise_pipeline() -> DallePipeline:
    """An untrained pipeline that draws four rows of codes one after the other."""
    torch.manual_seed(0)
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 16, 16),
        downsampling=4,
        quantizer=FSQ(levels=(4, 4)),
        width=8,
        deep_width=12,
        encoder_blocks=1,
        decoder_blocks=1,
        refine_width=4,
    )
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle", "a blue square"])
    prior = GPTPrior((1, 4, 4), 16, text_width=8, width=12, depth=1, num_heads=2)
    return DallePipeline(prior, encoder, autoencoder).eval()


@pytest.fixture(scope="session")
def sample() -> Callable[..., Samples]:
    """One request alone: pipeline, caption, number, seed, options -> its samples."""

    def one(
        pipeline: GANPipeline, caption: str, number: int = 4, seed: int = 0, **options: float
    ) -> Samples:
        return sample_batch(pipeline, [SampleRequest(caption, number, seed, options)])[0]

    return one


@pytest.fixture(scope="session")
def images_of() -> Callable[[str], list[Image.Image]]:
    """The images inside HTML."""

    def found(html: str) -> list[Image.Image]:
        sources = re.findall(r'<img [^>]*src="data:image/\w+;base64,([^"]+)"', html)
        return [Image.open(io.BytesIO(base64.b64decode(source))) for source in sources]

    return found


@pytest.fixture(scope="session")
def gap() -> Callable[[Image.Image, Image.Image], int]:
    """The greatest difference of two images' pixels, of 255."""

    def between(one: Image.Image, other: Image.Image) -> int:
        return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())

    return between
