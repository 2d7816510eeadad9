"""The way from one caption to another, as a moving picture."""

import time
from dataclasses import dataclass

from PIL import Image

from textgan.app.drawing import check_caption
from textgan.pipeline import GANPipeline

MAX_STEPS = 32


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
    pipeline: GANPipeline,
    start: str,
    end: str,
    *,
    steps: int = 16,
    seed: int = 0,
    truncation: float = 1.0,
) -> Animation:
    """Draw the way from one caption to another.

    Args:
        pipeline: what draws.
        start: the first frame's caption, at most 1,000 characters.
        end: the last frame's.
        steps: frames, 2 to 32.
        seed: the first picture that `draw` makes of it is the first frame.
        truncation: in [0, 1], as in `draw`.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
        FloatingPointError: the model drew something else than numbers.
    """
    check_caption(start, "first caption")
    check_caption(end, "second caption")
    if not 2 <= steps <= MAX_STEPS:
        raise ValueError(f"The number of steps must be from 2 to {MAX_STEPS}, got {steps}.")
    before = time.perf_counter()
    frames = pipeline.interpolate(start, end, steps=steps, seed=seed, truncation=truncation).images
    return Animation(start, end, seed, frames, 1000 * (time.perf_counter() - before))
