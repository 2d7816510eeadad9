"""What the page answers to its controls: HTML for any input, also for one that is refused."""

import math
import random

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
    the generator goes through one worker, so that any number of threads may ask at once.
    """

    def __init__(self, pipeline: GANPipeline):
        self.pipeline = pipeline
        self.has_attention = has_attention(pipeline)
        self.worker = Worker(pipeline)

    def drawing(
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
            drawing = self._draw(caption, _seed(seed, locked), number, truncation)
            found = words(self.pipeline, caption) if self.has_attention else []
        except _REFUSALS as error:
            return seed, "", markup.EMPTY, markup.refused(str(error))
        chips = markup.chips("Attention to", found, pressed=-1)
        pictures = markup.pictures(drawing, drawing.images)
        return drawing.seed, chips, pictures, _status(drawing)

    def attention(
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
            drawing = self._draw(caption, _seed(seed, True), number, truncation)
            place = _whole("A word's place", word)
            images = drawing.images if place < 0 else self._look(drawing, place)
        except _REFUSALS as error:
            return markup.EMPTY, markup.refused(str(error))
        return markup.pictures(drawing, images), _status(drawing)

    def animation(
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
            way = self.worker.run(lambda: animate(self.pipeline, start, end, **options))
        except _REFUSALS as error:
            return seed, markup.EMPTY, markup.refused(str(error))
        status = markup.drawn_in(f"{len(way.frames)} frames", way.milliseconds, way.seed, [])
        return way.seed, markup.moving(way), status

    def _draw(
        self, caption: str, seed: int, number: float | None, truncation: float | None
    ) -> Drawing:
        number = _whole("The number of pictures", number)
        return self.worker.draw(Wish(caption, number, seed, _given("Truncation", truncation)))

    def _look(self, drawing: Drawing, word: int) -> list[Image.Image]:
        return self.worker.run(lambda: look(self.pipeline, drawing, word))


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
