"""How long a caption may be, wherever one is read, and text files that hold no longer one."""

from pathlib import Path

from textgan.file.regular import open_regular

MAX_CHARACTERS = 10_000  # of a caption
MAX_LINE = 1_000_000  # bytes of a line, which may hold several captions
_BLOCK = 1 << 16  # bytes


class TooLongError(ValueError):
    """A caption, or a line that may hold one, is longer than it may be."""


def check_caption(caption: str, name: str = "a caption") -> None:
    """Raise `TooLongError` if a caption has more than 10,000 characters.

    Longer texts are not read whole by any text encoder here, and take memory and time in proportion
    before they are cut.

    Args:
        caption: what is checked.
        name: how the sentence names it.
    """
    if len(caption) > MAX_CHARACTERS:
        raise TooLongError(
            f"{name} may have at most {MAX_CHARACTERS:,} characters, got {len(caption):,} "
            f"({caption[:40]!r}...)"
        )


def check_text_file(path: Path) -> None:
    """Refuse a text file that may hold too long a caption: by its strings if it is JSON.

    Raises:
        OSError: it cannot be read, or is not a regular file.
        TooLongError: a line, or of a JSON file a string, has more than 1,000,000 bytes.
    """
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        check_strings(path)
    else:
        check_lines(path)


def check_lines(path: Path) -> None:
    """Refuse a text file of which a line may hold too long a caption, before it is read.

    Raises:
        OSError: it cannot be read, or is not a regular file.
        TooLongError: a line has more than 1,000,000 bytes.
    """
    _check_distances(path, b"\n", "a line")


def check_strings(path: Path) -> None:
    """The same for a JSON document, of which a string is measured in the place of a line.

    Raises:
        OSError: it cannot be read, or is not a regular file.
        TooLongError: between two quotation marks there are more than 1,000,000 bytes.
    """
    _check_distances(path, b'"', "a string")


def _check_distances(path: Path, end: bytes, what: str) -> None:
    length = 0  # of what the last block began and did not end
    with open_regular(path) as file:
        while block := file.read(_BLOCK):
            if end == b'"':  # an escaped one ends nothing
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
