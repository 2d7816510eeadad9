"""Pictures of one caption, drawn for the page."""

import time
from dataclasses import dataclass

from PIL import Image

from textgan.pipeline import GANPipeline
from textgan.pipeline.prompt import parse

MAX_NUMBER = 16
MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Drawing:
    """What one caption was drawn as.

    Attributes:
        caption: what was drawn, weights and all.
        seed: that the noise came from; picture i is that of caption number i in a call of the
            pipeline.
        truncation: what the noise was multiplied by.
        images: of the pipeline's size, of mode L, RGB or RGBA.
        milliseconds: from the caption to all pictures.
        unread_words: how many words at the caption's end were too much for the text encoder.
    """

    caption: str
    seed: int
    truncation: float
    images: list[Image.Image]
    milliseconds: float
    unread_words: int


def draw(
    pipeline: GANPipeline, caption: str, *, number: int = 4, seed: int = 0, truncation: float = 1.0
) -> Drawing:
    """Draw a caption several times.

    Args:
        pipeline: what draws.
        caption: at most 1,000 characters; in "a (red:1.5) circle" a word counts for more.
        number: of pictures, 1 to 16.
        seed: the same one draws the same pictures.
        truncation: in [0, 1]; 0 draws the likeliest picture, each time the same.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
        FloatingPointError: the model drew something else than numbers.
    """
    check_caption(caption)
    if not 1 <= number <= MAX_NUMBER:
        raise ValueError(f"The number of pictures must be from 1 to {MAX_NUMBER}, got {number}.")
    start = time.perf_counter()
    images = pipeline([caption] * number, seed=seed, truncation=truncation).images
    milliseconds = 1000 * (time.perf_counter() - start)
    return Drawing(caption, seed, truncation, images, milliseconds, unread_words(pipeline, caption))


def check_caption(caption: str, name: str = "caption") -> None:
    """Raise ValueError, with a sentence for the page, if it is empty or longer than one may be."""
    if not caption or not caption.strip():
        raise ValueError(f"Type a {name} to see it drawn.")
    if len(caption) > MAX_CHARACTERS:
        rule = f"A {name} may have {MAX_CHARACTERS:,} characters"
        raise ValueError(f"{rule}, and this one has {len(caption):,}: please shorten it.")


def unread_words(pipeline: GANPipeline, caption: str) -> int:
    """How many words at the end of a caption the text encoder cuts off."""
    text = parse(caption).text
    read = max(end for _, end in pipeline.text_encoder.spans([text])[0])
    return len(text[read:].split())
