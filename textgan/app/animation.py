"""An animation from one caption to another, for the page."""

import time
from dataclasses import dataclass

from PIL import Image

from textgan.app.sampling import check_caption, options_of
from textgan.pipeline import TextToImagePipeline

MAX_FRAMES = 32


@dataclass(frozen=True)
class Animation:
    """The frames between two captions.

    Attributes:
        start, end: the captions.
        seed: of the noise, which is the same in all frames.
        frames: from the first caption to the second, of mode L, RGB or RGBA.
        milliseconds: for all frames.
    """

    start: str
    end: str
    seed: int
    frames: list[Image.Image]
    milliseconds: float


def animate(
    pipeline: TextToImagePipeline,
    start: str,
    end: str,
    *,
    frames: int = 16,
    seed: int = 0,
    **options: float,
) -> Animation:
    """Interpolate in 2 to 32 frames from one caption to another of at most 1,000 characters.

    The first frame is the first image of a `SampleRequest` with the same seed. Options that
    `interpolate` does not take are ignored.

    Raises:
        ValueError: an argument is out of range; the message is shown on the page.
        FloatingPointError: an image has values that are not finite.
    """
    check_caption(start, "first caption")
    check_caption(end, "second caption")
    if not 2 <= frames <= MAX_FRAMES:
        raise ValueError(f"The number of frames must be from 2 to {MAX_FRAMES}, got {frames}.")
    options, before = options_of(pipeline, "interpolate", options), time.perf_counter()
    images = pipeline.interpolate(start, end, frames=frames, seed=seed, **options).images
    return Animation(start, end, seed, images, 1000 * (time.perf_counter() - before))
