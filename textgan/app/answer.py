"""What the page answers to its controls: HTML for any input, also for one that is refused."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from PIL import Image

from textgan.app import markup
from textgan.app.animation import animate
from textgan.app.attention import look, words
from textgan.app.drawing import Drawing, Wish
from textgan.app.worker import NotDrawnError, Worker
from textgan.pipeline import Option, TextToImagePipeline

_REFUSALS = (ValueError, FloatingPointError, NotDrawnError)


class Answers:
    """One pipeline behind the controls of a page.

    A number is what its control holds: None where the box is empty, and of any size. Whatever needs
    the generator goes through one worker, and two threads write HTML, so that any number of
    visitors may ask at once: who waits holds no thread, and no thread's share of the heap.
    """

    def __init__(self, pipeline: TextToImagePipeline):
        self.pipeline = pipeline
        self.worker = Worker(pipeline)
        self._writers = ThreadPoolExecutor(2, "textgan-writer")

    def sliders(self, ability: str) -> list[Option]:
        """The options that have a control: those with two bounds that the ability takes."""
        bounded = [o for o in self.pipeline.options if None not in (o.minimum, o.maximum)]
        return [option for option in bounded if ability in ("draw", *option.also)]

    async def drawing(
        self,
        locked: bool,
        caption: str,
        seed: float | None,
        number: float | None,
        *options: float | None,
    ) -> tuple[float | None, str, str, str]:
        """A new drawing -> the seed that it has, words to click, pictures, status.

        Args:
            locked: whether the seed stays; otherwise another one is taken.
            caption: what to draw.
            seed: that it has where it is locked.
            number: of pictures.
            options: values of `sliders("draw")`.
        """
        try:
            drawing = await self._draw(caption, _seed(seed, locked), number, options)
            found = words(self.pipeline, caption)
        except _REFUSALS as error:
            return seed, "", markup.EMPTY, markup.refused(str(error))
        chips = markup.chips("Attention to", found, pressed=-1)
        pictures = await self._write(markup.pictures, drawing, drawing.images)
        return drawing.seed, chips, pictures, _status(drawing)

    async def attention(
        self,
        word: int,
        caption: str,
        seed: float | None,
        number: float | None,
        *options: float | None,
    ) -> tuple[str, str]:
        """The same drawing under the heat of a word -> pictures, status.

        Args:
            word: a place among its words; -1 takes the heat away.
            caption: of the drawing that is seen.
            seed: of it.
            number: of its pictures.
            options: of it.
        """
        try:
            drawing = await self._draw(caption, _seed(seed, True), number, options)
            place = _whole("A word's place", word)
            images = drawing.images if place < 0 else await self._look(drawing, place)
        except _REFUSALS as error:
            return markup.EMPTY, markup.refused(str(error))
        return await self._write(markup.pictures, drawing, images), _status(drawing)

    async def animation(
        self,
        locked: bool,
        start: str,
        end: str,
        seed: float | None,
        frames: float | None,
        *options: float | None,
    ) -> tuple[float | None, str, str]:
        """The way between two captions -> the seed that it has, moving picture, status.

        `options` are values of `sliders("interpolate")`.
        """
        try:
            numbers = {
                "frames": _whole("The number of frames", frames),
                "seed": _seed(seed, locked),
                **self._named("interpolate", options),
            }
            task = partial(animate, self.pipeline, start, end, **numbers)
            way = await asyncio.wrap_future(self.worker.run(task))
        except _REFUSALS as error:
            return seed, markup.EMPTY, markup.refused(str(error))
        status = markup.drawn_in(f"{len(way.frames)} frames", way.milliseconds, way.seed, [])
        return way.seed, await self._write(markup.moving, way), status

    async def _draw(
        self, caption: str, seed: int, number: float | None, options: Sequence[float | None]
    ) -> Drawing:
        number = _whole("The number of pictures", number)
        wish = Wish(caption, number, seed, self._named("draw", options))
        return await asyncio.wrap_future(self.worker.draw(wish))

    def _named(self, ability: str, values: Sequence[float | None]) -> dict[str, float]:
        return {
            option.name: (_whole if option.kind is int else _given)(label(option), value)
            for option, value in zip(self.sliders(ability), values, strict=True)
        }

    async def _look(self, drawing: Drawing, word: int) -> list[Image.Image]:
        task = partial(look, self.pipeline, drawing, word)
        return await asyncio.wrap_future(self.worker.run(task))

    async def _write(self, write: Callable[..., str], *content: Any) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, partial(write, *content))


def label(option: Option) -> str:
    """How the page names an option: "guidance_scale" as "Guidance scale"."""
    return option.name.replace("_", " ").capitalize()


def _seed(seed: float | None, locked: bool) -> int:
    return _whole("A locked seed", seed) if locked else random.randrange(1_000_000)


def _whole(name: str, value: float | None) -> int:
    if not float(_given(name, value)).is_integer():
        raise ValueError(f"{name} must be a whole number, got {value}.")
    return int(value)


def _given(name: str, value: float | None) -> float:
    if value is None:
        raise ValueError(f"{name} must be a number, and its box is empty.")
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {value!r:.40}.")
    return value


def _status(drawing: Drawing) -> str:
    number, unread = len(drawing.images), drawing.unread_words
    what = "1 picture" if number == 1 else f"{number} pictures"
    last = "the last word was" if unread == 1 else f"the last {unread} words were"
    notes = [f"{last} not read, as the caption is too long"] if unread else []
    return markup.drawn_in(what, drawing.milliseconds, drawing.seed, notes)
