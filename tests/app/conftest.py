import base64
import io
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from textgan.app import sampling
from textgan.app.sampling import SampleRequest, Samples, sample_batch
from textgan.autoencoder import ConvolutionAutoencoder
from textgan.generator import AttentionGenerator
from textgan.pipeline import DallePipeline, GANPipeline, Option, TextToImagePipeline
from textgan.pipeline.base import PipelineOutput, converted
from textgan.pipeline.given import given_image, given_mask
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


class Shades(TextToImagePipeline):
    """Draws an image of one shade, and changes an image by arithmetic.

    The shade is (length of the caption + seed + number of the image + 10 * steps) / 100.
    """

    abilities = frozenset({"sample", "image_to_image", "inpaint", "edit", "variations"})
    options = (
        Option(
            "steps",
            int,
            1,
            "More are lighter.",
            minimum=1,
            maximum=9,
            also=frozenset({"image_to_image", "inpaint", "edit"}),
        ),
    )

    def __init__(self, image_size: int):
        super().__init__()
        self.image_size = image_size
        self.zero = torch.nn.Parameter(torch.zeros(1))

    def generate(self, captions, keys, *, steps=1, callback=None, callback_seconds=0.0):
        self.options[0].check(steps)
        shades = [
            (len(caption) + sum(key) + 10 * steps) / 100
            for caption, key in zip(captions, keys, strict=True)
        ]
        size = self.image_size
        images = self.zero + torch.tensor(shades).view(-1, 1, 1, 1).expand(-1, 3, size, size)
        if callback is not None:
            callback(images - 0.05)
        return images

    def image_to_image(self, image, caption, *, strength=0.6, number=1, seed=0, **options):
        drawn = self._drawn(caption, number, seed, options)
        return self._output((1 - strength) * self._given(image) + strength * drawn)

    def inpaint(self, image, mask, caption, *, number=1, seed=0, **options):
        mask = given_mask(mask, image, self.image_size)
        drawn = self._drawn(caption, number, seed, options)
        return self._output(torch.where(mask, drawn, self._given(image)))

    def edit(self, image, from_caption, to_caption, *, strength=1.0, steps=1):
        shade = strength * (len(to_caption) - len(from_caption) + steps) / 100
        return self._output(self._given(image)[None] + shade)

    def variations(self, image, caption, *, strength=1.0, number=1, seed=0, **options):
        drawn = self._drawn(caption, number, seed, options)
        return self._output((1 - strength) * self._given(image) + strength * drawn)

    def _drawn(self, caption: str, number: int, seed: int, options: dict) -> Tensor:
        generate = partial(self.generate, **options)
        keys = {"num_images_per_prompt": number, "seed": seed, "indices": None}
        return self._run([caption], generate, **keys, output_type="pt").images

    def _given(self, image: Image.Image) -> Tensor:
        return given_image(image, self.image_size, 3)

    def _output(self, images: Tensor) -> PipelineOutput:
        return PipelineOutput(converted(images, "pil"))


@pytest.fixture(scope="session")
def shades() -> type[Shades]:
    """A pipeline with the abilities that change an image, whose results can be worked out."""
    return Shades


@pytest.fixture(scope="session")
def png_of() -> Callable[[Image.Image], str]:
    """An image -> the `data:` URL of a PNG file, as a browser sends it."""

    def url(image: Image.Image) -> str:
        file = io.BytesIO()
        image.save(file, format="PNG")
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

    return url


@pytest.fixture(scope="module")
def open_context() -> Iterator[Callable[..., object]]:
    """A browser's window of a certain size, by day or by night."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )

        @cache
        def open_at(width: int, height: int, scheme: str):
            return chromium.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                has_touch=width < 600,
                device_scale_factor=2 if width < 600 else 1,
            )

        yield open_at
        chromium.close()


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
