"""The largest length of a caption, and a check of text files for longer ones."""

from pathlib import Path

from textgan.file.regular import open_regular

MAX_CHARACTERS = 10_000  # of a caption
MAX_LINE = 1_000_000  # bytes of a line, which may hold several captions
_BLOCK = 1 << 16  # bytes


class TooLongError(ValueError):
    """A caption, or a line that may hold one, is longer than it may be."""


def check_caption(caption: str, name: str = "a caption") -> None:
    """Raise `TooLongError` if a caption, called `name` in the message, has over 10,000 characters.

    Every text encoder cuts longer texts, but only after they took memory and time in proportion.
    """
    if len(caption) > MAX_CHARACTERS:
        raise TooLongError(
            f"{name} may have at most {MAX_CHARACTERS:,} characters, got {len(caption):,} "
            f"({caption[:40]!r}...)"
        )


def check_text_file(path: Path) -> None:
    """Refuse a text file whose lines, or strings if it is JSON, may hold too long a caption.

    Raises:
        OSError: it cannot be read, or is not a regular file.
        TooLongError: a line, or of a JSON file a string, has more than 1,000,000 bytes.
    """
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        check_strings(path)
    else:
        check_lines(path)


def check_lines(path: Path) -> None:
    """Check the lines of a text file, with the errors of `check_text_file`."""
    _check_distances(path, b"\n", "a line")


def check_strings(path: Path) -> None:
    """Check the strings of a JSON document, with the errors of `check_text_file`."""
    _check_distances(path, b'"', "a string")


def _check_distances(path: Path, end: bytes, what: str) -> None:
    length = 0  # of the unfinished line or string at the end of the last block
    with open_regular(path) as file:
        while block := file.read(_BLOCK):
            if end == b'"':  # an escaped quotation mark is no end
                block = block.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
            else:
                block = block.replace(b"\r", b"\n")
            first, *others = block.split(end)
            longest = max(length + len(first), max(map(len, others), default=0))
            if longest > MAX_LINE:
                raise TooLongError(
                    f"{path} holds {what} of more than {MAX_LINE:,} bytes: a caption may have at "
                    f"most {MAX_CHARACTERS:,} characters"
                )
            length = len(others[-1]) if others else length + len(first)
