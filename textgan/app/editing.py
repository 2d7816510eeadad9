"""Editing a visitor's picture: requests, checked when they are made, and what they return."""

import inspect
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from textgan.app.sampling import (
    TASKS,
    SampleRequest,
    Samples,
    Show,
    check_caption,
    options_of,
    shown_by,
)
from textgan.pipeline import Option, TextToImagePipeline
from textgan.pipeline.base import PipelineOutput, converted


@dataclass(frozen=True)
class EditRequest:
    """What is to be done with a picture.

    Attributes:
        task: one of `TASKS`.
        picture: a square of at most 256 pixels, of mode RGBA.
        target: caption, number, seed and options of the new images; "edit" makes one image, and
            has no seed.
        mask: of the picture's size, white where "inpaint" draws.
        source: caption of the picture, for "edit".
        strength: None for a task that has none.

    Raises:
        ValueError: the mask is empty or has another size, or the source is no caption; the message
            is shown on the page.
    """

    task: str
    picture: Image.Image
    target: SampleRequest
    mask: Image.Image | None = None
    source: str = ""
    strength: float | None = None

    def __post_init__(self) -> None:
        if self.task == "edit":
            check_caption(self.source, "caption of the picture")
        if self.task != "inpaint":
            return
        if self.mask is None or self.mask.getextrema()[1] < 128:
            raise ValueError("Paint over the part of the picture that is to be drawn.")
        if self.mask.size != self.picture.size:
            sizes = f"{self.picture.size} and {self.mask.size}"
            raise ValueError(f"The marks must have the size of the picture, got {sizes}.")


def tasks_of(pipeline: TextToImagePipeline) -> list[str]:
    """Those of `TASKS` that are abilities of a pipeline."""
    return [task for task in TASKS if task in pipeline.abilities]


def strengths(pipeline: TextToImagePipeline) -> dict[str, Option]:
    """The strength of each task of a pipeline that takes one, with the method's default."""
    found = {}
    for task in tasks_of(pipeline):
        taken = inspect.signature(getattr(pipeline, task)).parameters.get("strength")
        if taken is not None:
            rule = "Less keeps more of the picture."
            found[task] = Option("strength", float, taken.default, rule, minimum=0.05, maximum=1)
    return found


@torch.no_grad()
def edit_picture(
    pipeline: TextToImagePipeline, request: EditRequest, show: Show | None = None
) -> Samples:
    """Edit a picture.

    Args:
        pipeline: has the ability `request.task`.
        request: what is to be done.
        show: takes the unfinished images of all tasks but "edit". It is not called by a pipeline
            without the ability "unfinished_images".

    Raises:
        VisitorGoneError: nobody waits for the request any more.
        ValueError: the pipeline cannot read a caption, or refuses the mask or a number.
        FloatingPointError: an image has values that are not finite.
    """
    start = time.perf_counter()
    has_unfinished = "unfinished_images" in pipeline.abilities and request.task != "edit"
    extra = shown_by(partial(_show, show)) if show is not None and has_unfinished else {}
    images = _edited(pipeline, request, extra).images
    milliseconds = 1000 * (time.perf_counter() - start)
    caption = request.target.caption
    unread = pipeline.unread_words(caption) if caption else 0
    return Samples(request.target, images, milliseconds, unread)


def _edited(
    pipeline: TextToImagePipeline, request: EditRequest, extra: dict[str, Any]
) -> PipelineOutput:
    target = request.target
    options = options_of(pipeline, request.task, target.options) | extra
    if request.strength is not None:
        options["strength"] = request.strength
    method = partial(getattr(pipeline, request.task), request.picture)
    if request.task == "edit":
        return method(request.source, target.caption, **options)
    options |= {"number": target.number, "seed": target.seed}
    if request.task == "inpaint":
        return method(request.mask, target.caption, **options)
    return method(target.caption, **options)


def _show(show: Show, images: Tensor) -> None:
    if images.isfinite().all():
        show(converted(images.float().cpu(), "pil"))
