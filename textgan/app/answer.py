"""The page's answers to its controls: HTML for every input, also for one that is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from textgan.app import markup
from textgan.app.animation import animate
from textgan.app.attention import attention_overlays, words
from textgan.app.drawing import Drawing
from textgan.app.sampling import SampleRequest, Show
from textgan.app.value import given, label, seed_of, whole
from textgan.app.worker import NotSampledError, Worker
from textgan.pipeline import Option, TextToImagePipeline

REFUSALS = (ValueError, FloatingPointError, NotSampledError)
_Result = TypeVar("_Result")


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

    def sliders(self, *abilities: str) -> list[Option]:
        """The options that have a control: those of any of the abilities that have two bounds."""
        bounded = [o for o in self.pipeline.options if None not in (o.minimum, o.maximum)]
        return [option for option in bounded if any(map(option.belongs_to, abilities))]

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
            request = self._request(caption, seed_of(seed, locked), number, options)
            return await self._samples(request)
        except REFUSALS as error:
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
            request = self._request(caption, seed_of(seed, locked), number, options)
            with Drawing(partial(self._samples, request)) as drawing:
                if not locked:
                    yield request.seed, "", markup.EMPTY, markup.unfinished(request.number)
                while (images := await drawing.unfinished()) is not None:
                    html = await self.apart(markup.image_grid, request, images)
                    yield None, "", html, markup.unfinished(request.number)
                yield None, *(await drawing.result)[1:]
        except REFUSALS as error:
            yield None, "", markup.EMPTY, markup.refused(str(error))

    async def _samples(
        self, request: SampleRequest, show: Show | None = None
    ) -> tuple[int, str, str, str]:
        samples = await asyncio.wrap_future(self.worker.sample(request, show))
        found = words(self.pipeline, request.caption)
        images = await self.apart(markup.image_grid, samples.request, samples.images)
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
            request = self._request(caption, seed_of(seed, True), number, options)
            samples = await asyncio.wrap_future(self.worker.sample(request))
            images, place = samples.images, whole("A word's place", word)
            if place >= 0:
                task = partial(attention_overlays, self.pipeline, samples, place)
                images = await asyncio.wrap_future(self.worker.run(task))
        except REFUSALS as error:
            return markup.EMPTY, markup.refused(str(error))
        html = await self.apart(markup.image_grid, samples.request, images)
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
                "frames": whole("The number of frames", frames),
                "seed": seed_of(seed, locked),
                **named(self.sliders("interpolate"), options),
            }
            task = partial(animate, self.pipeline, start, end, **numbers)
            made = await asyncio.wrap_future(self.worker.run(task))
        except REFUSALS as error:
            return seed, markup.EMPTY, markup.refused(str(error))
        status = markup.status(f"{len(made.frames)} frames", made.milliseconds, made.seed, [])
        return made.seed, await self.apart(markup.moving, made), status

    async def apart(self, call: Callable[..., _Result], *content: Any) -> _Result:
        """Call a function that takes a while in a thread of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, partial(call, *content))

    def _request(
        self, caption: str, seed: int, number: float | None, options: Sequence[float | None]
    ) -> SampleRequest:
        number = whole("The number of images", number)
        return SampleRequest(caption, number, seed, named(self.sliders("sample"), options))


def named(options: list[Option], values: Sequence[float | None]) -> dict[str, float]:
    """The values of options, by name."""
    return {
        option.name: (whole if option.kind is int else given)(label(option), value)
        for option, value in zip(options, values, strict=True)
    }
