"""Pictures of one caption, drawn for the page."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from PIL import Image

from textgan.pipeline import TextToImagePipeline
from textgan.pipeline.base import converted

MAX_NUMBER = 16
MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Wish:
    """What is to be drawn; what no pipeline draws is refused when it is made.

    Attributes:
        caption: at most 1,000 characters.
        number: of pictures, 1 to 16.
        seed: the same one draws the same pictures.
        options: of the pipeline, name -> value.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
    """

    caption: str
    number: int = 4
    seed: int = 0
    options: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_caption(self.caption)
        if not 1 <= self.number <= MAX_NUMBER:
            rule = f"The number of pictures must be from 1 to {MAX_NUMBER}"
            raise ValueError(f"{rule}, got {self.number}.")


@dataclass(frozen=True)
class Drawing:
    """What one caption was drawn as.

    Attributes:
        caption: what was drawn, weights and all.
        seed: that the noise came from; picture i is that of caption number i in a call of the
            pipeline.
        options: of the pipeline, as in `Wish`.
        images: of the pipeline's size, of mode L, RGB or RGBA.
        milliseconds: from the captions of its batch to all their pictures.
        unread_words: how many words at the caption's end were too much for the text encoder.
    """

    caption: str
    seed: int
    options: Mapping[str, float]
    images: list[Image.Image]
    milliseconds: float
    unread_words: int


def draw(
    pipeline: TextToImagePipeline,
    caption: str,
    *,
    number: int = 4,
    seed: int = 0,
    **options: float,
) -> Drawing:
    """Draw a caption several times.

    Args:
        pipeline: what draws.
        caption: as in `Wish`, and so are the others.
        number: of pictures.
        seed: of the noise.
        options: of the pipeline.

    Raises:
        ValueError: an argument is out of range; the text is fit for the page.
        FloatingPointError: the model drew something else than numbers.
    """
    drawing = draw_all(pipeline, [Wish(caption, number, seed, options)])[0]
    if isinstance(drawing, FloatingPointError):
        raise drawing
    return drawing


@torch.no_grad()
def draw_all(
    pipeline: TextToImagePipeline, wishes: list[Wish]
) -> list[Drawing | FloatingPointError]:
    """Draw several wishes in one batch.

    Args:
        pipeline: what draws.
        wishes: at least one, all of the same options.

    Returns:
        For each wish its drawing, or the error that its pictures are no finite numbers.

    Raises:
        ValueError: the pipeline cannot read one of the captions, or an option is out of range.
    """
    start = time.perf_counter()
    captions = [wish.caption for wish in wishes for _ in range(wish.number)]
    keys = [(wish.seed, index, 0) for wish in wishes for index in range(wish.number)]
    images = pipeline.draw_prompts(captions, keys, **wishes[0].options).float().cpu()
    milliseconds = 1000 * (time.perf_counter() - start)
    drawn = zip(wishes, images.split([wish.number for wish in wishes]), strict=True)
    return [_drawing(pipeline, wish, images, milliseconds) for wish, images in drawn]


def _drawing(
    pipeline: TextToImagePipeline, wish: Wish, images: torch.Tensor, milliseconds: float
) -> Drawing | FloatingPointError:
    try:
        pictures = converted(images, "pil")
    except FloatingPointError as error:
        return error
    unread = pipeline.unread_words(wish.caption)
    return Drawing(wish.caption, wish.seed, wish.options, pictures, milliseconds, unread)


def options_of(
    pipeline: TextToImagePipeline, ability: str, options: Mapping[str, float]
) -> dict[str, float]:
    """Those of the options that an ability beside drawing takes too."""
    taken = {option.name for option in pipeline.options if ability in option.also}
    return {name: value for name, value in options.items() if name in taken}


def check_caption(caption: str, name: str = "caption") -> None:
    """Raise ValueError, with a sentence for the page, if it is empty or longer than one may be."""
    if caption is not None and not isinstance(caption, str):
        raise ValueError(f"A {name} must be text, got {caption!r:.40}.")
    if not caption or not caption.strip():
        raise ValueError(f"Type a {name} to see it drawn.")
    if len(caption) > MAX_CHARACTERS:
        rule = f"A {name} may have {MAX_CHARACTERS:,} characters"
        raise ValueError(f"{rule}, and this one has {len(caption):,}: please shorten it.")
