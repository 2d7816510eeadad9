"""Handling of the signals that ask the process to end: SIGTERM, SIGHUP and Ctrl-C (SIGINT)."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_HANDLED = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
CLOSED_PIPE = getattr(signal, "SIGPIPE", 13)
# Seconds. `timeout` and Slurm send one signal twice: to a process and to its group.
_ONE_REQUEST = 1.0
_UNHANDLED = 3.0  # seconds
_LAST_WAIT = 30  # seconds that a loader's process waits for its parent to end it


class Stop(SystemExit):
    """Exit of the process because of a signal, with a sentence for the user.

    `began` tells whether a training, a prediction or an evaluation was interrupted.
    """

    def __init__(self, signum: int, sentence: str, *, began: bool = False):
        super().__init__(128 + signum)
        self.signum, self.sentence, self.began = signum, sentence, began

    def __str__(self) -> str:
        return self.sentence


def name_of(signum: int) -> str:
    """Return the signal's name for the user: Ctrl-C, SIGTERM, SIGHUP or a closed pipe."""
    if signum == CLOSED_PIPE:
        return "a closed pipe"
    return "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name


class Signals:
    """Handler of the signals that ask the process to end.

    The first signal raises `Stop` immediately, unless `patient` is set: then the code that set it
    checks `asked` after each step. A second signal, at least one second later, ends the process
    immediately. So does the first one if the main thread is blocked in a library and cannot run the
    handler. Signals that are ignored or have another handler are not changed.

    Attributes:
        asked: the signal that was received, or 0.
        patient: whether the end of a step is awaited.
        at_once: function that is called before a second signal ends the process.
    """

    def __init__(self) -> None:
        self._reset()
        self._process = 0
        self._wake: socket.socket | None = None
        self._before: dict[int, object] = {}
        self._terminals: list[int] = []

    @property
    def active(self) -> bool:
        """Whether this process handles the signals now."""
        return self._process == os.getpid()

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals inside the context; a nested context changes nothing."""
        if self.active:
            yield
            return
        self.start()
        try:
            yield
        finally:
            self.end()

    def start(self, numbers: Iterable[int] = _HANDLED) -> None:
        """Install the handlers of these signals."""
        self._reset()
        self._process = os.getpid()
        self._terminals = [number for number in (1, 2) if os.isatty(number)]
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._start_watch()
            for number in numbers:
                before = signal.getsignal(number)
                if before in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[number] = signal.signal(number, self._handle)

    def end(self) -> None:
        """Restore the previous handlers."""
        for number, before in self._before.items():
            signal.signal(number, before)
        if self._wake is not None:
            signal.set_wakeup_fd(-1)
            self._wake.close()  # this ends the watching thread
        self._before, self._process, self._wake = {}, 0, None
        self._reset()

    def _reset(self) -> None:
        self.asked, self.patient = 0, False
        self.at_once: Callable[[], None] = lambda: None

    def reader_left(self) -> None:
        """End the command because the reader of its output has closed the pipe.

        SIGPIPE itself is not handled, because a socket whose other end closes raises it too.
        """
        self._handle(CLOSED_PIPE, None)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if not self.active:  # a forked process that has not installed its own handlers
            return
        if signum == getattr(signal, "SIGHUP", None):
            self._detach_from_terminal()
        if self.asked:  # the watching thread handles a second signal
            return
        self.asked = signum
        if not self.patient:
            raise Stop(signum, f"stopped by {name_of(signum)}")

    def _start_watch(self) -> None:
        reading, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(reading,), daemon=True).start()

    def _watch(self, reading: socket.socket) -> None:
        """Read the number of each signal, even while the main thread is blocked."""
        first, asked_at = 0, 0.0
        while True:
            unhandled = first and not self.asked and not self.patient
            reading.settimeout(_UNHANDLED if unhandled else None)
            try:
                numbers = reading.recv(64)
            except TimeoutError:
                if not self.asked and not self.patient:
                    self._end_now(first, f"stopped by {name_of(first)}")
                continue
            if not numbers:
                return
            for number in numbers:
                if number not in _HANDLED:
                    continue
                if not first:
                    first, asked_at = number, time.monotonic()
                elif time.monotonic() - asked_at >= _ONE_REQUEST:
                    self._end_now(number, f"stopped at once by a second {name_of(number)}")

    def _end_now(self, signum: int, sentence: str) -> None:
        self.at_once()
        print_error(f"textgan: {sentence}")
        os._exit(128 + signum)

    def _detach_from_terminal(self) -> None:
        """Redirect the output to nothing, because writing to a closed terminal would fail."""
        for number in self._terminals:
            discard_output(number)


def leave_to_parent(worker_id: int = 0) -> None:
    """Make a data loader's process ignore the signals, because its parent ends it.

    A terminal and Slurm send signals to all processes of a job. A loader's process that ended
    before its parent's step would make the step fail. The process ends itself half a minute after
    the signal if the parent has not ended it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):
        for number in _HANDLED[1:]:
            signal.signal(number, lambda *_: signal.alarm(_LAST_WAIT))


def discard_output(number: int) -> None:
    """Redirect the open file of this number to nothing."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)


def print_error(sentence: str) -> None:
    """Print a sentence on the error output, if it is still open."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:  # the terminal or the pipe was closed
        return


signals = Signals()
if hasattr(os, "register_at_fork"):  # a forked process must not report to its parent's socket
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
