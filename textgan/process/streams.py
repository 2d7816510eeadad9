"""Output streams of the command, which may be closed, lose their reader or lack UTF-8."""

import io
import locale
import os
import sys

from textgan.process.stop import discard_output, signals


def prepare() -> None:
    """Prepare the streams of this process so that printing never fails.

    The process may be replaced by the same command in Python's UTF-8 mode, because libraries read
    and write text files in the encoding of the locale. On Windows a process cannot be replaced:
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
    """Output stream whose reader may close it, as `head` does after ten lines.

    Then the stream is redirected to nothing, and the command ends as after a signal: a training
    ends after its current step, with a checkpoint.
    """

    def write(self, data: "bytes | memoryview") -> int | None:
        try:
            return super().write(data)
        except BrokenPipeError:
            discard_output(self.fileno())
            signals.reader_left()
            return len(data)


def _stream(number: int, before: io.TextIOWrapper | None, *, by_line: bool) -> io.TextIOWrapper:
    """Return the replacement of Python's own stream, which is None if it was closed."""
    return io.TextIOWrapper(
        io.BufferedWriter(Pipe(number, "w", closefd=False)),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=by_line,
        write_through=getattr(before, "write_through", False),
    )


def _open_closed() -> None:
    """Redirect each closed stream to nothing, so that no file gets its number and its output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _use_utf8() -> None:
    """Restart the command in UTF-8 mode if the locale has another encoding.

    The printed text keeps the terminal's encoding.
    """
    encoding = locale.getpreferredencoding(False).lower().replace("-", "")
    if encoding == "utf8" or os.environ.get("PYTHONUTF8") == "1":
        return
    os.environ["PYTHONUTF8"] = "1"
    os.environ.setdefault("PYTHONIOENCODING", getattr(sys.stdout, "encoding", None) or "utf-8")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
