"""The way from one caption to another, as a moving picture."""

import time
from dataclasses import dataclass

from PIL import Image

from textgan.app.drawing import check_caption, options_of
from textgan.pipeline import TextToImagePipeline

MAX_FRAMES = 32


@dataclass(frozen=True)
class Animation:
    """What lies between two captions.

    Attributes:
        start, end: the captions.
        seed: of the noise, which is the same all the way.
        frames: from the one caption's picture to the other's, of mode L, RGB or RGBA.
        milliseconds: from the captions to all frames.
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
    """Draw the way from one caption to another.

    Args:
        pipeline: what draws, with the ability "interpolate".
        start: the first frame's caption, at most 1,000 characters.
        end: the last frame's.
        frames: how many, 2 to 32.
        seed: the first picture that `draw` makes of it is the first frame.
        options: of the pipeline, as it declares them; those for drawing alone are left out.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
        FloatingPointError: the model drew something else than numbers.
    """
    check_caption(start, "first caption")
    check_caption(end, "second caption")
    if not 2 <= frames <= MAX_FRAMES:
        raise ValueError(f"The number of frames must be from 2 to {MAX_FRAMES}, got {frames}.")
    options, before = options_of(pipeline, "interpolate", options), time.perf_counter()
    images = pipeline.interpolate(start, end, frames=frames, seed=seed, **options).images
    return Animation(start, end, seed, images, 1000 * (time.perf_counter() - before))
