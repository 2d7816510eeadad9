"""One thread that draws for all visitors, several of their requests in one batch."""

import os
import sys
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import torch

from textgan.app.drawing import Drawing, Wish, draw_all
from textgan.pipeline import TextToImagePipeline

MOST_WAITING = 256
MOST_PICTURES = 64  # of one batch; more of them are hardly faster each, and the first one waits
_Answer = TypeVar("_Answer")


class NotDrawnError(RuntimeError):
    """A request was not drawn for a reason outside of it; the text is a sentence for the page."""


@dataclass
class _Request:
    """What waits for the model: a wish, or a task that is run alone."""

    ask: Wish | Callable[[], Any]
    alone: bool = False
    answer: Future = field(default_factory=Future)


class Worker:
    """Answers requests in the order in which they came, in a thread of its own.

    Wishes that wait beside the oldest one and have its options are drawn with it in one batch. A
    picture is the same as if it was drawn alone, to 1 of 255. Where a batch fails, its wishes are
    drawn one by one, so that only the one at fault is refused.

    Args:
        pipeline: what draws.
        most_waiting: requests that may wait; a further one is refused at once.
        most_pictures: of one batch.
    """

    def __init__(
        self,
        pipeline: TextToImagePipeline,
        *,
        most_waiting: int = MOST_WAITING,
        most_pictures: int = MOST_PICTURES,
    ):
        self.pipeline = pipeline
        self.most_waiting, self.most_pictures = most_waiting, most_pictures
        self._waiting: deque[_Request] = deque()
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, "textgan-worker", _leave_a_core)

    def draw(self, wish: Wish) -> "Future[Drawing]":
        """Let the wish be drawn; one that is cancelled while it waits is not.

        The future raises:
            ValueError: the wish cannot be drawn; the text is fit for the page.
            FloatingPointError: the model drew something else than numbers.
            NotDrawnError: the model failed.

        Raises:
            NotDrawnError: too many requests wait.
        """
        return self._wait(_Request(wish))

    def run(self, task: Callable[[], _Answer]) -> "Future[_Answer]":
        """Let a task run in the worker's thread.

        The future raises ValueError and FloatingPointError where the task does, and NotDrawnError
        where it raises anything else.

        Raises:
            NotDrawnError: too many requests wait.
        """
        return self._wait(_Request(task, alone=True))

    def _wait(self, request: _Request) -> Future:
        with self._lock:
            if len(self._waiting) >= self.most_waiting:
                wait = f"{len(self._waiting)} others wait already"
                raise NotDrawnError(f"Too many visitors draw at once ({wait}): try again soon.")
            self._waiting.append(request)
        self._take_a_turn()
        return request.answer

    def _take_a_turn(self) -> None:
        """Let the thread answer the oldest request once it has answered those before.

        There is a turn for each request. One whose request went along with an earlier one finds
        less to do.
        """
        self._thread.submit(self._turn).add_done_callback(_report)

    def _turn(self) -> None:
        taken = self._take()
        try:
            self._work(taken)
        finally:  # also after an error that nobody foresaw: nobody may wait for ever
            left = [request for request in taken if not request.answer.done()]
            if len(left) == 1:
                said = "The model failed to draw this; the terminal that serves the page says why."
                left[0].answer.set_exception(NotDrawnError(said))
            elif left:
                self._separate(left)

    def _take(self) -> list[_Request]:
        """The oldest request, and those that can be drawn with it."""
        with self._lock:
            if not self._waiting:
                return []
            taken = [self._waiting.popleft()]
            first = taken[0]
            if not first.alone:
                pictures, rest = first.ask.number, deque()
                for other in self._waiting:
                    fits = not other.alone and other.ask.options == first.ask.options
                    if fits and pictures + other.ask.number <= self.most_pictures:
                        taken.append(other)
                        pictures += other.ask.number
                    else:
                        rest.append(other)
                self._waiting = rest
        return [
            request
            for request in taken
            if request.answer.running() or request.answer.set_running_or_notify_cancel()
        ]

    def _work(self, taken: list[_Request]) -> None:
        if not taken:
            return
        wishes = [request.ask for request in taken if isinstance(request.ask, Wish)]
        try:
            answers = draw_all(self.pipeline, wishes) if wishes else [one.ask() for one in taken]
        except (ValueError, FloatingPointError) as error:
            if len(taken) == 1:
                taken[0].answer.set_exception(error)
            return
        for request, answer in zip(taken, answers, strict=True):
            if isinstance(answer, FloatingPointError):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)

    def _separate(self, requests: list[_Request]) -> None:
        """Let each of these have a turn of its own, before all that wait."""
        for request in requests:
            request.alone = True
        with self._lock:
            self._waiting.extendleft(reversed(requests))
        for _ in requests:
            self._take_a_turn()


def _leave_a_core() -> None:
    """Compute on all cores but one, which the server needs.

    Where torch's threads have to wait for a core, each of its operations waits for the slowest.
    """
    cores = os.cpu_count() or 1
    torch.set_num_threads(min(torch.get_num_threads(), max(1, cores - 1)))


def _report(turn: Future) -> None:
    """Print the error that nobody foresaw, for whoever serves the page."""
    if turn.exception() is not None:
        traceback.print_exception(turn.exception(), file=sys.stderr)
