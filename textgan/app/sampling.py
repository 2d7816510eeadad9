"""Sampling for the page: requests, checked when they are made, and what they return."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from textgan.pipeline import TextToImagePipeline
from textgan.pipeline.base import converted

TASKS = {
    "inpaint": "Draw the marked part",
    "image_to_image": "Draw anew",
    "edit": "Change by two captions",
    "variations": "Variations",
}
"""The abilities that take a picture, and how the page names them."""
MAX_IMAGES = 16
MAX_CHARACTERS = 1000
Show = Callable[[list[Image.Image]], None]
"""Takes the unfinished images of a request, in the thread that samples.

It raises `VisitorGoneError` if nobody waits for them.
"""
_FRAME_SECONDS = 0.5  # between two unfinished images; each has to be decoded and sent


class VisitorGoneError(Exception):
    """Nobody waits for a request any more."""


@dataclass(frozen=True)
class SampleRequest:
    """What is to be sampled.

    Attributes:
        caption: at most 1,000 characters.
        number: images, 1 to 16; the noise of image i is keyed by (seed, i, 0).
        seed: equal seeds give equal images; None if they have no noise of their own.
        options: of the pipeline, name -> value.
        may_be_empty: whether the caption may be empty.

    Raises:
        ValueError: an argument is out of range; the message is shown on the page.
    """

    caption: str
    number: int = 4
    seed: int | None = 0
    options: Mapping[str, float] = field(default_factory=dict)
    may_be_empty: bool = False

    def __post_init__(self) -> None:
        if self.caption != "" or not self.may_be_empty:
            check_caption(self.caption)
        if not 1 <= self.number <= MAX_IMAGES:
            rule = f"The number of images must be from 1 to {MAX_IMAGES}"
            raise ValueError(f"{rule}, got {self.number}.")


@dataclass(frozen=True)
class Samples:
    """The images of one request.

    Attributes:
        request: which asked for them.
        images: of mode L, RGB or RGBA.
        milliseconds: for all images of its batch.
        unread_words: the number of words at the caption's end that the text encoder cut off.
    """

    request: SampleRequest
    images: list[Image.Image]
    milliseconds: float
    unread_words: int


@torch.no_grad()
def sample_batch(
    pipeline: TextToImagePipeline,
    requests: list[SampleRequest],
    shows: Sequence[Show | None] = (),
) -> list[Samples | FloatingPointError]:
    """Sample several requests with equal options in one batch.

    Args:
        pipeline: generates the images.
        requests: what is to be sampled.
        shows: for each request, what takes its unfinished images, or None; they are not called by a
            pipeline without the ability "unfinished_images".

    Returns:
        For each request its samples, or the error that they have values that are not finite.

    Raises:
        VisitorGoneError: nobody waits for any of the requests any more.
        ValueError: the pipeline cannot read one of the captions, or an option is out of range.
    """
    start = time.perf_counter()
    captions = [request.caption for request in requests for _ in range(request.number)]
    keys = [(request.seed, i, 0) for request in requests for i in range(request.number)]
    numbers, options = [request.number for request in requests], dict(requests[0].options)
    if any(shows) and "unfinished_images" in pipeline.abilities:
        gone: set[int] = set()

        def show_all(images: Tensor) -> None:
            for place, own in enumerate(images.float().cpu().split(numbers)):
                if shows[place] is None or place in gone or not own.isfinite().all():
                    continue
                try:
                    shows[place](converted(own, "pil"))
                except VisitorGoneError:
                    gone.add(place)
            if len(gone) == len(requests):
                raise VisitorGoneError

        options |= shown_by(show_all)
    images = pipeline.generate_prompts(captions, keys, **options).float().cpu()
    milliseconds = 1000 * (time.perf_counter() - start)
    answers = []
    for request, own in zip(requests, images.split(numbers), strict=True):
        try:
            unread = pipeline.unread_words(request.caption)
            answers.append(Samples(request, converted(own, "pil"), milliseconds, unread))
        except FloatingPointError as error:
            answers.append(error)
    return answers


def shown_by(show: Callable[[Tensor], None]) -> dict[str, Any]:
    """The options with which a pipeline shows its unfinished images (B, C, H, W) in [-1, 1]."""
    return {"callback": show, "callback_seconds": _FRAME_SECONDS}


def options_of(
    pipeline: TextToImagePipeline, ability: str, options: Mapping[str, float]
) -> dict[str, float]:
    """Select the options that the methods of an ability take."""
    taken = {option.name for option in pipeline.options if option.belongs_to(ability)}
    return {name: value for name, value in options.items() if name in taken}


def check_caption(caption: str, name: str = "caption") -> None:
    """Raise ValueError, with a message for the page, if a caption is empty or too long."""
    if caption is not None and not isinstance(caption, str):
        raise ValueError(f"A {name} must be text, got {caption!r:.40}.")
    if not caption or not caption.strip():
        raise ValueError(f"Type a {name} to generate images.")
    if len(caption) > MAX_CHARACTERS:
        rule = f"A {name} may have {MAX_CHARACTERS:,} characters"
        raise ValueError(f"{rule}, and this one has {len(caption):,}: please shorten it.")
