"""The command's output: it may be closed, have no reader any more, or an encoding without ✓."""

import io
import locale
import os
import sys

from textgan.process.stop import signals


def prepare() -> None:
    """Make the streams of this process such that printing never fails.

    It may replace the process by the same command in Python's UTF-8 mode, as libraries read and
    write text files in the encoding of the locale. On Windows, where a process cannot be replaced,
    PYTHONUTF8=1 must be set by hand, and a letter that the console lacks is printed as its number.
    """
    _open_closed()
    if os.name != "posix":
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")
        return
    _use_utf8()
    sys.stdout = _stream(1, sys.stdout, by_line=os.isatty(1))
    sys.stderr = _stream(2, sys.stderr, by_line=True)


class Pipe(io.FileIO):
    """A stream whose reader may leave, as `head` does after ten lines.

    Then the stream leads into nothing, and the command ends as if a signal had asked it to: a
    training after its step, with a checkpoint.
    """

    def write(self, data: "bytes | memoryview") -> int | None:
        try:
            return super().write(data)
        except BrokenPipeError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            signals.reader_left()
            return len(data)


def _stream(number: int, before: io.TextIOWrapper | None, *, by_line: bool) -> io.TextIOWrapper:
    """What takes the place of Python's own stream, which is None where it was closed."""
    return io.TextIOWrapper(
        io.BufferedWriter(Pipe(number, "w", closefd=False)),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=by_line,
        write_through=getattr(before, "write_through", False),
    )


def _open_closed() -> None:
    """Open each closed stream onto nothing: the next file would get its number, and its output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _use_utf8() -> None:
    """Start the command anew in UTF-8 mode where the locale has another encoding.

    What is printed keeps the terminal's encoding.
    """
    encoding = locale.getpreferredencoding(False).lower().replace("-", "")
    if encoding == "utf8" or os.environ.get("PYTHONUTF8") == "1":
        return
    os.environ["PYTHONUTF8"] = "1"
    os.environ.setdefault("PYTHONIOENCODING", getattr(sys.stdout, "encoding", None) or "utf-8")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
