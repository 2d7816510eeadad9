"""Text files in UTF-8 or a named encoding; for others the error names the likely encoding."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TextIO

from charset_normalizer import from_bytes

from textgan.caption.text import check_text_file

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, as it begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD_BYTES = 4096
_SAMPLE_BYTES = 1 << 16
_LATIN_SHARE = 0.35  # lines in a Latin script have a smaller share of bytes that are not ASCII
_NOT_LATIN = (
    *("cp1251", "koi8_r", "gb18030", "big5", "cp932"),
    *("cp949", "euc_jp", "cp1253", "cp1255", "cp1256"),
)
_NAMES = {"cp1252": "Windows-1252", "cp1251": "Windows-1251", "cp932": "Shift JIS"}


def check_encoding(encoding: str | None) -> None:
    """Raise ValueError for an encoding that Python does not know, or that does not decode text."""
    if encoding is None:
        return
    try:
        TextIOWrapper(BytesIO(), encoding=encoding)
    except (LookupError, ValueError) as error:  # ValueError: a null byte in the name
        raise ValueError(
            "encoding must be one that Python knows, such as utf-8, cp1252 or gb18030, "
            f"got {encoding!r}"
        ) from error


def encoding_of(path: Path, encoding: str | None = None) -> str:
    """The encoding of a file's byte order mark, else `encoding`, else UTF-8."""
    with path.open("rb") as file:
        head = file.read(len(codecs.BOM_UTF32_LE))
    return next((name for mark, name in _MARKS if head.startswith(mark)), encoding or "utf-8")


@contextmanager
def open_text(
    path: Path, encoding: str | None = None, *, option: str | None = "data.encoding"
) -> Iterator[TextIO]:
    """Open a text file for reading, with its line ends unchanged.

    A byte order mark means UTF-8, UTF-16 or UTF-32, and overrides `encoding`.

    Args:
        path: the file.
        encoding: the encoding of a file without a mark; None means UTF-8.
        option: the option that sets `encoding`, for the message; None where there is none.

    Raises:
        TooLongError: a line of it, or of a JSON file a string, has more than 1,000,000 bytes.
        ValueError: the file is in another encoding. The message names one that fits.
    """
    check_text_file(path)
    chosen = encoding_of(path, encoding)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if chosen == "utf-8" and b"\0" in head:
        wide = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
        raise ValueError(_sentence(path, "UTF-8", "it holds null bytes", wide, head, option))
    try:
        with path.open(encoding=chosen, newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        sample = _sample(path)
        what = f"{error.reason} at byte 0x{error.object[error.start]:02x}"
        said = "UTF-8" if chosen == "utf-8" else chosen
        likely = _likely(sample, chosen)
        raise ValueError(_sentence(path, said, what, likely, sample, option)) from error


def read_text(
    path: Path, encoding: str | None = None, *, option: str | None = "data.encoding"
) -> str:
    """The whole of a text file, decoded as by `open_text`; every line end is a line feed."""
    with open_text(path, encoding, option=option) as file:
        return file.read().replace("\r\n", "\n").replace("\r", "\n")


def _sentence(
    path: Path, expected: str, what: str, likely: str | None, sample: bytes, option: str | None
) -> str:
    said = f"{path} must be {expected} text: {what}"
    if likely is None:
        return f"{said}; save it as UTF-8"
    text = " ".join(sample.decode(likely, errors="ignore").split())
    name = _NAMES.get(likely, likely)
    setting = f"set {option}={likely}, or save it as UTF-8" if option else "save it as UTF-8"
    return f'{said}; it reads as {name} ("{text:.60}"): {setting}'


def _sample(path: Path) -> bytes:
    """The lines at a file's beginning that are not ASCII, or the first such lines after it."""
    kept, size = [], 0
    with path.open("rb") as file:
        while size < _HEAD_BYTES and (piece := file.readline(_SAMPLE_BYTES)):
            if not piece.isascii():
                kept.append(piece)
                size += len(piece)
    return b"".join(kept)


def _likely(sample: bytes, refused: str) -> str | None:
    """The most likely encoding of a sample of lines, or None."""
    letters = [byte for byte in sample if byte > 0x40]
    high = sum(byte > 0x7F for byte in letters)
    if letters and high / len(letters) > _LATIN_SHARE:
        best = from_bytes(sample, cp_isolation=list(_NOT_LATIN)).best()
        if best is not None:
            return best.encoding
    for latin in ("cp1252", "latin-1"):
        try:
            sample.decode(latin)
        except UnicodeDecodeError:
            continue
        return None if latin == refused else latin
    return None
