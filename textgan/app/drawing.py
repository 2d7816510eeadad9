"""The latest unfinished images of a request, from the thread that draws to the page."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

from PIL import Image

from textgan.app.sampling import Show, VisitorGoneError


class Drawing:
    """A coroutine that draws, and its latest unfinished images; older ones are dropped.

    It is made in the coroutine's loop. The drawing ends with the context, even if it is unfinished.

    Args:
        start: takes the function that another thread calls with unfinished images, and returns the
            coroutine.

    Attributes:
        result: an awaitable of what the coroutine returns.
    """

    def __init__(self, start: Callable[[Show], Coroutine[Any, Any, Any]]):
        self._loop, self._came = asyncio.get_running_loop(), asyncio.Event()
        self._images: list[Image.Image] | None = None
        self._is_left = False
        self.result = asyncio.ensure_future(start(self._put))
        self.result.add_done_callback(lambda _: self._replace(None))

    def __enter__(self) -> "Drawing":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_left = True
        self.result.cancel()

    async def unfinished(self) -> list[Image.Image] | None:
        """Wait for images that were not returned yet; None means that the drawing has ended."""
        await self._came.wait()
        self._came.clear()
        return self._images

    def _put(self, images: list[Image.Image]) -> None:
        """Replace the latest images, from another thread.

        Raises:
            VisitorGoneError: nobody waits for them.
        """
        if self._is_left or self._loop.is_closed():
            raise VisitorGoneError
        self._loop.call_soon_threadsafe(self._replace, images)

    def _replace(self, images: list[Image.Image] | None) -> None:
        self._images = images
        self._came.set()
