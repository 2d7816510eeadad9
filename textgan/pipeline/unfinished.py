"""Images that are shown before they are finished."""

import time
from collections.abc import Callable

from torch import Tensor


class Unfinished:
    """Calls a function with unfinished images, but not too often.

    Args:
        show: takes images (B, C, H, W); None shows nothing.
        seconds: the least time between two calls, and before the first.
    """

    def __init__(self, show: Callable[[Tensor], None] | None, seconds: float):
        if seconds < 0:
            raise ValueError(f"callback_seconds must be at least 0, got {seconds}")
        self._show, self._seconds = show, seconds
        self._last = time.monotonic()

    def __call__(self, make: Callable[[], Tensor]) -> None:
        """Show what `make` returns; it is only called if the images are shown."""
        now = time.monotonic()
        if self._show is not None and now - self._last >= self._seconds:
            self._show(make())
            self._last = time.monotonic()
