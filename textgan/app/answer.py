"""The page's answers to its controls: HTML for every input, also for one that is refused."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from PIL import Image

from textgan.app import markup
from textgan.app.animation import animate
from textgan.app.attention import attention_overlays, words
from textgan.app.sampling import SampleRequest, Show, VisitorGoneError
from textgan.app.worker import NotSampledError, Worker
from textgan.pipeline import Option, TextToImagePipeline

_REFUSALS = (ValueError, FloatingPointError, NotSampledError)


class Answers:
    """One pipeline behind the controls of a page.

    A number is the content of its control: None if the box is empty, and of any size. Everything
    that needs the generator goes through one worker, and two threads write HTML. So any number of
    visitors may send requests at once, and a visitor who waits holds no thread.
    """

    def __init__(self, pipeline: TextToImagePipeline):
        self.pipeline = pipeline
        self.worker = Worker(pipeline)
        self._writers = ThreadPoolExecutor(2, "textgan-writer")

    def sliders(self, ability: str) -> list[Option]:
        """The options that have a control: those of the ability that have two bounds."""
        bounded = [o for o in self.pipeline.options if None not in (o.minimum, o.maximum)]
        return [option for option in bounded if ability in ("sample", *option.also)]

    async def samples(
        self,
        locked: bool,
        caption: str,
        seed: float | None,
        number: float | None,
        *options: float | None,
    ) -> tuple[float | None, str, str, str]:
        """Sample `number` images -> their seed, words to click, images, status.

        The seed is `seed` if it is locked, and random otherwise. `options` are values of
        `sliders("sample")`.
        """
        try:
            request = self._request(caption, _seed(seed, locked), number, options)
            return await self._samples(request)
        except _REFUSALS as error:
            return seed, "", markup.EMPTY, markup.refused(str(error))

    async def drawn(
        self,
        locked: bool,
        caption: str,
        seed: float | None,
        number: float | None,
        *options: float | None,
    ) -> AsyncIterator[tuple[float | None, str, str, str]]:
        """As `samples`, with the unfinished images first, as often as they can be shown.

        The seed is None where the control must not change: a random one is shown once, at first.
        """
        try:
            request = self._request(caption, _seed(seed, locked), number, options)
            latest = _Latest()
            done = asyncio.ensure_future(self._samples(request, latest.put))
            done.add_done_callback(lambda _: latest.end())
            try:
                if not locked:
                    yield request.seed, "", markup.EMPTY, markup.unfinished(request.number)
                while (images := await latest.get()) is not None:
                    html = await self._write(markup.image_grid, request, images)
                    yield None, "", html, markup.unfinished(request.number)
                yield None, *(await done)[1:]
            finally:
                latest.leave()  # if the visitor is gone, the drawing ends
                done.cancel()
        except _REFUSALS as error:
            yield None, "", markup.EMPTY, markup.refused(str(error))

    async def _samples(
        self, request: SampleRequest, show: Show | None = None
    ) -> tuple[int, str, str, str]:
        samples = await asyncio.wrap_future(self.worker.sample(request, show))
        found = words(self.pipeline, request.caption)
        images = await self._write(markup.image_grid, samples.request, samples.images)
        chips = markup.chips("Attention to", found, toggles=True)
        return samples.request.seed, chips, images, markup.sampled(samples)

    async def attention(
        self,
        word: int,
        caption: str,
        seed: float | None,
        number: float | None,
        *options: float | None,
    ) -> tuple[str, str]:
        """The same samples under the heat map of a word -> images, status.

        `word` is its place in the caption; -1 removes the heat map. The other arguments are those
        of the samples.
        """
        try:
            request = self._request(caption, _seed(seed, True), number, options)
            samples = await asyncio.wrap_future(self.worker.sample(request))
            images, place = samples.images, _whole("A word's place", word)
            if place >= 0:
                task = partial(attention_overlays, self.pipeline, samples, place)
                images = await asyncio.wrap_future(self.worker.run(task))
        except _REFUSALS as error:
            return markup.EMPTY, markup.refused(str(error))
        html = await self._write(markup.image_grid, samples.request, images)
        return html, markup.sampled(samples)

    async def animation(
        self,
        locked: bool,
        start: str,
        end: str,
        seed: float | None,
        frames: float | None,
        *options: float | None,
    ) -> tuple[float | None, str, str]:
        """An animation between two captions -> its seed, the animation, status.

        `options` are values of `sliders("interpolate")`.
        """
        try:
            numbers = {
                "frames": _whole("The number of frames", frames),
                "seed": _seed(seed, locked),
                **self._named("interpolate", options),
            }
            task = partial(animate, self.pipeline, start, end, **numbers)
            made = await asyncio.wrap_future(self.worker.run(task))
        except _REFUSALS as error:
            return seed, markup.EMPTY, markup.refused(str(error))
        status = markup.status(f"{len(made.frames)} frames", made.milliseconds, made.seed, [])
        return made.seed, await self._write(markup.moving, made), status

    def _request(
        self, caption: str, seed: int, number: float | None, options: Sequence[float | None]
    ) -> SampleRequest:
        number = _whole("The number of images", number)
        return SampleRequest(caption, number, seed, self._named("sample", options))

    def _named(self, ability: str, values: Sequence[float | None]) -> dict[str, float]:
        return {
            option.name: (_whole if option.kind is int else _given)(label(option), value)
            for option, value in zip(self.sliders(ability), values, strict=True)
        }

    async def _write(self, write: Callable[..., str], *content: Any) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, partial(write, *content))


class _Latest:
    """The latest images, which one thread puts and a coroutine gets; older ones are dropped.

    It is made in the coroutine's loop.
    """

    def __init__(self) -> None:
        self._loop, self._came = asyncio.get_running_loop(), asyncio.Event()
        self._images: list[Image.Image] | None = None
        self._is_left = False

    def leave(self) -> None:
        """Nobody waits for images any more."""
        self._is_left = True

    def put(self, images: list[Image.Image]) -> None:
        """Replace the latest images, from another thread.

        Raises:
            VisitorGoneError: nobody waits for them.
        """
        if self._is_left or self._loop.is_closed():
            raise VisitorGoneError
        self._loop.call_soon_threadsafe(self._replace, images)

    def end(self) -> None:
        """No more images will come; called in the loop."""
        self._replace(None)

    async def get(self) -> list[Image.Image] | None:
        """Wait for images that were not returned yet."""
        await self._came.wait()
        self._came.clear()
        return self._images

    def _replace(self, images: list[Image.Image] | None) -> None:
        self._images = images
        self._came.set()


def label(option: Option) -> str:
    """The label of an option on the page: "guidance_scale" -> "Guidance scale"."""
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
