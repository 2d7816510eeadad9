"""What the page answers to its controls: HTML for any input, also for one that is refused."""

import asyncio
import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from PIL import Image

from textgan.app import markup
from textgan.app.animation import animate
from textgan.app.attention import has_attention, look, words
from textgan.app.drawing import Drawing, Wish
from textgan.app.worker import NotDrawnError, Worker
from textgan.pipeline import GANPipeline

_REFUSALS = (ValueError, FloatingPointError, NotDrawnError)


class Answers:
    """One pipeline behind the controls of a page.

    A number is what its control holds: None where the box is empty, and of any size. Whatever needs
    the generator goes through one worker, and two threads write HTML, so that any number of
    visitors may ask at once: who waits holds no thread, and no thread's share of the heap.
    """

    def __init__(self, pipeline: GANPipeline):
        self.pipeline = pipeline
        self.has_attention = has_attention(pipeline)
        self.worker = Worker(pipeline)
        self._writers = ThreadPoolExecutor(2, "textgan-writer")

    async def drawing(
        self,
        caption: str,
        seed: float | None,
        number: float | None,
        truncation: float | None,
        locked: bool,
    ) -> tuple[float | None, str, str, str]:
        """A new drawing -> the seed that it has, words to click, pictures, status.

        Args:
            caption: what to draw.
            seed: that it has where it is locked.
            number: of pictures.
            truncation: what the noise is multiplied by.
            locked: whether the seed stays; otherwise another one is taken.
        """
        try:
            drawing = await self._draw(caption, _seed(seed, locked), number, truncation)
            found = words(self.pipeline, caption) if self.has_attention else []
        except _REFUSALS as error:
            return seed, "", markup.EMPTY, markup.refused(str(error))
        chips = markup.chips("Attention to", found, pressed=-1)
        pictures = await self._write(markup.pictures, drawing, drawing.images)
        return drawing.seed, chips, pictures, _status(drawing)

    async def attention(
        self,
        caption: str,
        seed: float | None,
        number: float | None,
        truncation: float | None,
        word: int,
    ) -> tuple[str, str]:
        """The same drawing under the heat of a word -> pictures, status.

        Args:
            caption: of the drawing that is seen.
            seed: of it.
            number: of its pictures.
            truncation: of it.
            word: a place among its words; -1 takes the heat away.
        """
        try:
            drawing = await self._draw(caption, _seed(seed, True), number, truncation)
            place = _whole("A word's place", word)
            images = drawing.images if place < 0 else await self._look(drawing, place)
        except _REFUSALS as error:
            return markup.EMPTY, markup.refused(str(error))
        return await self._write(markup.pictures, drawing, images), _status(drawing)

    async def animation(
        self,
        start: str,
        end: str,
        seed: float | None,
        steps: float | None,
        truncation: float | None,
        locked: bool,
    ) -> tuple[float | None, str, str]:
        """The way between two captions -> the seed that it has, moving picture, status."""
        try:
            options = {
                "steps": _whole("The number of steps", steps),
                "seed": _seed(seed, locked),
                "truncation": _given("Truncation", truncation),
            }
            task = partial(animate, self.pipeline, start, end, **options)
            way = await asyncio.wrap_future(self.worker.run(task))
        except _REFUSALS as error:
            return seed, markup.EMPTY, markup.refused(str(error))
        status = markup.drawn_in(f"{len(way.frames)} frames", way.milliseconds, way.seed, [])
        return way.seed, await self._write(markup.moving, way), status

    async def _draw(
        self, caption: str, seed: int, number: float | None, truncation: float | None
    ) -> Drawing:
        number = _whole("The number of pictures", number)
        wish = Wish(caption, number, seed, _given("Truncation", truncation))
        return await asyncio.wrap_future(self.worker.draw(wish))

    async def _look(self, drawing: Drawing, word: int) -> list[Image.Image]:
        task = partial(look, self.pipeline, drawing, word)
        return await asyncio.wrap_future(self.worker.run(task))

    async def _write(self, write: Callable[..., str], *content: Any) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, partial(write, *content))


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
