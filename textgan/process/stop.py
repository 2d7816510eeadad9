"""Signals that ask the process to end: SIGTERM, SIGHUP and Ctrl-C (SIGINT)."""

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
_ONE_REQUEST = 1.0  # seconds: `timeout` and Slurm send a signal to a process and to its group
_UNHEARD = 3.0  # seconds
_LAST_WAIT = 30  # seconds that a loader's process waits for its parent to end it


class Stop(SystemExit):
    """The process ends because a signal asked for it.

    Args:
        signum: the signal.
        said: the sentence for the user.
        began: whether there was training, drawing or measuring that it stopped.
    """

    def __init__(self, signum: int, said: str, *, began: bool = False):
        super().__init__(128 + signum)
        self.signum, self.said, self.began = signum, said, began

    def __str__(self) -> str:
        return self.said


def name_of(signum: int) -> str:
    """Ctrl-C, SIGTERM or SIGHUP; or a closed pipe."""
    if signum == CLOSED_PIPE:
        return "a closed pipe"
    return "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name


class Signals:
    """Handles the signals that ask the process to end.

    The first one raises `Stop` at once, unless `patient` says that somebody looks at `asked` soon.
    A second one, at least a second later, ends the process at once, and so does the first where the
    main thread waits in a library for too long to hear of it. Signals that are ignored, or that
    somebody else handles, are left as they are.

    Attributes:
        asked: the signal that came, or 0.
        patient: whether the end of a step is waited for.
        at_once: what is called before a second signal ends the process.
    """

    def __init__(self) -> None:
        self.asked, self.patient = 0, False
        self.at_once: Callable[[], None] = _nothing
        self._process = 0
        self._wake: socket.socket | None = None
        self._before: dict[int, object] = {}
        self._terminals: list[int] = []

    @property
    def active(self) -> bool:
        """Whether they are handled here."""
        return self._process == os.getpid()

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Within it the signals are handled; within a second one nothing changes."""
        if self.active:
            yield
            return
        self.start()
        try:
            yield
        finally:
            self.end()

    def start(self, numbers: Iterable[int] = _HANDLED) -> None:
        """Begin to handle them, or some of them."""
        self.asked, self.patient, self.at_once = 0, False, _nothing
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
        """Give the signals back to who handled them before."""
        for number, before in self._before.items():
            signal.signal(number, before)
        if self._wake is not None:
            signal.set_wakeup_fd(-1)
            self._wake.close()  # which ends the watch
        self._before, self._process, self._wake = {}, 0, None
        self.asked, self.patient, self.at_once = 0, False, _nothing

    def reader_left(self) -> None:
        """Nobody reads what is printed any more: end as if SIGPIPE were handled here.

        The signal itself is not, as a socket whose other end closes raises it too.
        """
        self._handle(CLOSED_PIPE, None)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if not self.active:  # a fork that has not yet set up its own
            return
        if signum == getattr(signal, "SIGHUP", None):
            self._let_go_of_terminal()
        if self.asked:  # the watch sees to a second one
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
        """Read the number of each signal as it comes, even while the main thread is held up."""
        first, asked_at = 0, 0.0
        while True:
            unheard = first and not self.asked and not self.patient
            reading.settimeout(_UNHEARD if unheard else None)
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

    def _end_now(self, signum: int, said: str) -> None:
        self.at_once()
        tell(f"textgan: {said}")
        os._exit(128 + signum)

    def _let_go_of_terminal(self) -> None:
        """Print into nothing from now on: writing to a terminal that is gone would fail."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        for number in self._terminals:
            os.dup2(nothing, number)
        os.close(nothing)


def leave_to_parent(worker_id: int = 0) -> None:
    """Let a loader's process live on when a signal reaches it, since its parent ends it.

    A terminal and Slurm send signals to all processes of a job. A loader's process that ended
    before its parent's step did would end the step with an error. It ends itself half a minute
    after the signal if the parent has not done so.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):
        for number in _HANDLED[1:]:
            signal.signal(number, lambda *_: signal.alarm(_LAST_WAIT))


def _nothing() -> None:
    pass


def tell(sentence: str) -> None:
    """Print a sentence on the error output, if that is still there."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:  # the terminal or the pipe is gone, and with it the reader
        return


signals = Signals()
if hasattr(os, "register_at_fork"):  # a fork's signals are not its parent's
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
