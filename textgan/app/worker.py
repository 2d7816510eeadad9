"""One thread that samples for all visitors, several requests in one batch."""

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

from textgan.app.sampling import SampleRequest, Samples, Show, VisitorGoneError, sample_batch
from textgan.pipeline import TextToImagePipeline

MOST_WAITING = 256
MOST_IMAGES = 64  # of one batch; a larger one is hardly faster per image, and its first image waits
_Answer = TypeVar("_Answer")


class NotSampledError(RuntimeError):
    """A request failed for a reason outside of it; the message is shown on the page."""


@dataclass
class _Job:
    """A request, or a function that is called on its own."""

    work: SampleRequest | Callable[[], Any]
    alone: bool = False
    show: Show | None = None
    answer: Future = field(default_factory=Future)


class Worker:
    """Answers requests in the order of their arrival, in a thread of its own.

    Requests with equal options that wait beside the oldest one are sampled with it in one batch.
    An image is the same as in a batch of its own, to 1 of 255. If a batch fails, its requests are
    sampled one by one, so that only the one that caused the error is refused.

    Args:
        pipeline: generates the images.
        most_waiting: requests that may wait; a further one is refused at once.
        most_images: of one batch.
    """

    def __init__(
        self,
        pipeline: TextToImagePipeline,
        *,
        most_waiting: int = MOST_WAITING,
        most_images: int = MOST_IMAGES,
    ):
        self.pipeline = pipeline
        self.most_waiting, self.most_images = most_waiting, most_images
        self._waiting: deque[_Job] = deque()
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, "textgan-worker", _leave_a_core)

    def sample(self, request: SampleRequest, show: Show | None = None) -> "Future[Samples]":
        """Queue a request; if it is cancelled while it waits, it is not sampled.

        If the pipeline has unfinished images, `show` is called with them in the worker's thread.
        The future raises ValueError if the request cannot be sampled, FloatingPointError if an
        image has values that are not finite, and NotSampledError for any other error.

        Raises:
            NotSampledError: too many requests wait.
        """
        return self._wait(_Job(request, show=show))

    def run(self, task: Callable[[], _Answer]) -> "Future[_Answer]":
        """Queue a function that the worker's thread calls.

        The future raises ValueError and FloatingPointError as the function does, and
        NotSampledError for any other error.

        Raises:
            NotSampledError: too many requests wait.
        """
        return self._wait(_Job(task, alone=True))

    def _wait(self, job: _Job) -> Future:
        with self._lock:
            if len(self._waiting) >= self.most_waiting:
                wait = f"{len(self._waiting)} others are waiting"
                raise NotSampledError(f"There are too many requests ({wait}): try again soon.")
            self._waiting.append(job)
        self._schedule_turn()
        return job.answer

    def _schedule_turn(self) -> None:
        """Schedule one turn of the thread; there is one for each job.

        The turn of a job that was sampled in the batch of an earlier one has less to do.
        """
        self._thread.submit(self._turn).add_done_callback(_report)

    def _turn(self) -> None:
        taken = self._take()
        try:
            self._work(taken)
        finally:  # also after an unexpected error, since nobody may wait for ever
            left = [job for job in taken if not job.answer.done()]
            if len(left) == 1:
                text = "The model failed on this request. The terminal that serves the page has "
                left[0].answer.set_exception(NotSampledError(f"{text}the error."))
            elif left:
                self._separate(left)

    def _take(self) -> list[_Job]:
        """Take the oldest job, and those that can be sampled in the same batch."""
        with self._lock:
            if not self._waiting:
                return []
            first = self._waiting.popleft()
            taken, rest = [first], deque()
            images = 0 if first.alone else first.work.number
            while self._waiting and not first.alone:
                other = self._waiting.popleft()
                fits = not other.alone and other.work.options == first.work.options
                if fits and images + other.work.number <= self.most_images:
                    taken.append(other)
                    images += other.work.number
                else:
                    rest.append(other)
            self._waiting = rest or self._waiting
        answers = [job.answer for job in taken]
        alive = [a.running() or a.set_running_or_notify_cancel() for a in answers]
        return [job for job, is_alive in zip(taken, alive, strict=True) if is_alive]

    def _work(self, taken: list[_Job]) -> None:
        if not taken:
            return
        requests = [job.work for job in taken if isinstance(job.work, SampleRequest)]
        shows = [job.show for job in taken]
        try:
            if requests:
                answers = sample_batch(self.pipeline, requests, shows)
            else:
                answers = [taken[0].work()]
        except VisitorGoneError:
            for job in taken:
                job.answer.set_exception(NotSampledError("The visitor has left."))
            return
        except (ValueError, FloatingPointError) as error:
            if len(taken) == 1:
                taken[0].answer.set_exception(error)
            return
        for job, answer in zip(taken, answers, strict=True):
            if isinstance(answer, FloatingPointError):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(answer)

    def _separate(self, jobs: list[_Job]) -> None:
        """Give each of these jobs a turn of its own, before all that wait."""
        for job in jobs:
            job.alone = True
        with self._lock:
            self._waiting.extendleft(reversed(jobs))
        for _ in jobs:
            self._schedule_turn()


def _leave_a_core() -> None:
    """Compute on all cores but one, which the server needs.

    If one of torch's threads has to wait for a core, every operation waits for that thread.
    """
    cores = os.cpu_count() or 1
    torch.set_num_threads(min(torch.get_num_threads(), max(1, cores - 1)))


def _report(turn: Future) -> None:
    """Print an unexpected error in the terminal that serves the page."""
    if turn.exception() is not None:
        traceback.print_exception(turn.exception(), file=sys.stderr)
