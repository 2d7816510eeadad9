"""Pictures of one caption, drawn for the page."""

import time
from dataclasses import dataclass

import torch
from PIL import Image

from textgan.pipeline import GANPipeline
from textgan.pipeline.base import check_truncation, converted
from textgan.pipeline.prompt import parse

MAX_NUMBER = 16
MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Wish:
    """What is to be drawn; it is refused when it is made.

    Attributes:
        caption: at most 1,000 characters; in "a (red:1.5) circle" a word counts for more.
        number: of pictures, 1 to 16.
        seed: the same one draws the same pictures.
        truncation: in [0, 1]; 0 draws the likeliest picture, each time the same.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
    """

    caption: str
    number: int = 4
    seed: int = 0
    truncation: float = 1.0

    def __post_init__(self) -> None:
        check_caption(self.caption)
        parse(self.caption)
        if not 1 <= self.number <= MAX_NUMBER:
            rule = f"The number of pictures must be from 1 to {MAX_NUMBER}"
            raise ValueError(f"{rule}, got {self.number}.")
        check_truncation(self.truncation)


@dataclass(frozen=True)
class Drawing:
    """What one caption was drawn as.

    Attributes:
        caption: what was drawn, weights and all.
        seed: that the noise came from; picture i is that of caption number i in a call of the
            pipeline.
        truncation: what the noise was multiplied by.
        images: of the pipeline's size, of mode L, RGB or RGBA.
        milliseconds: from the captions of its batch to all their pictures.
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
        caption: as in `Wish`, and so are the next three.
        number: of pictures.
        seed: of the noise.
        truncation: what the noise is multiplied by.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
        FloatingPointError: the model drew something else than numbers.
    """
    drawing = draw_all(pipeline, [Wish(caption, number, seed, truncation)])[0]
    if isinstance(drawing, FloatingPointError):
        raise drawing
    return drawing


@torch.no_grad()
def draw_all(pipeline: GANPipeline, wishes: list[Wish]) -> list[Drawing | FloatingPointError]:
    """Draw several wishes in one batch.

    Args:
        pipeline: what draws.
        wishes: at least one, all of one truncation. A caption of several pictures is encoded once.

    Returns:
        For each wish its drawing, or the error that its pictures are no finite numbers.

    Raises:
        ValueError: the text encoder cannot read one of the captions.
    """
    start = time.perf_counter()
    rows = [row for row, wish in enumerate(wishes) for _ in range(wish.number)]
    keys = [(wish.seed, index, 0) for wish in wishes for index in range(wish.number)]
    text = pipeline.encode([wish.caption for wish in wishes])
    text = text[torch.tensor(rows, device=text.mask.device)]
    noise = pipeline.noise(keys, wishes[0].truncation)
    images = pipeline.draw_from(noise, text).float().cpu()
    milliseconds = 1000 * (time.perf_counter() - start)
    drawn = zip(wishes, images.split([wish.number for wish in wishes]), strict=True)
    return [_drawing(pipeline, wish, images, milliseconds) for wish, images in drawn]


def _drawing(
    pipeline: GANPipeline, wish: Wish, images: torch.Tensor, milliseconds: float
) -> Drawing | FloatingPointError:
    try:
        pictures = converted(images, "pil")
    except FloatingPointError as error:
        return error
    unread = unread_words(pipeline, wish.caption)
    return Drawing(wish.caption, wish.seed, wish.truncation, pictures, milliseconds, unread)


def check_caption(caption: str, name: str = "caption") -> None:
    """Raise ValueError, with a sentence for the page, if it is empty or longer than one may be."""
    if caption is not None and not isinstance(caption, str):
        raise ValueError(f"A {name} must be text, got {caption!r:.40}.")
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
