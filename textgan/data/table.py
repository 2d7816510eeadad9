"""Rows of a captions file: JSON, or text with a delimiter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgan.data.columns import Named
from textgan.data.delimited import first_lines, read_delimited, sniff
from textgan.data.encoding import encoding_of, open_text
from textgan.data.json_rows import describes_images, read_json

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".token", ".tab", ".psv")

Record = dict[str, Any]
_NONE = Named()


@dataclass(frozen=True)
class Table:
    """The rows of a captions file.

    Attributes:
        path: of the file.
        unit: the unit in which rows are counted, "line" or "item".
        rows: number and columns of each.
    """

    path: Path
    unit: str
    rows: list[tuple[int, Record]]

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order of their first use."""
        return list(dict.fromkeys(name for _, record in self.rows for name in record))

    def where(self, number: int) -> str:
        """The place of a row, for a message."""
        return f"{self.path}, {self.unit} {number}"


def read_table(path: Path, named: Named = _NONE, encoding: str | None = None) -> Table:
    """All rows of a captions file.

    Args:
        path: the file; one without a JSON suffix is text with a delimiter.
        named: columns that the user named; they help to find the delimiter.
        encoding: of the file; None means UTF-8, or that of its byte order mark.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the suffix is unknown, the file holds no row, or a row cannot be read.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise FileNotFoundError(f"captions_file must be a file, got {str(path)!r}")
    if suffix not in JSON_SUFFIXES + TEXT_SUFFIXES:
        known = ", ".join(JSON_SUFFIXES + TEXT_SUFFIXES)
        raise ValueError(f"captions_file must end with one of {known}, got {str(path)!r}")
    with open_text(path, encoding) as file:
        if suffix in JSON_SUFFIXES:
            unit, rows = read_json(file, path, named)
        else:
            unit, rows = "line", list(read_delimited(file, path, named))
    if not rows:
        raise ValueError(f"{path} is empty: it must hold one row for each image")
    return Table(path, unit, rows)


def is_captions_file(path: Path, named: Named, encoding: str | None) -> bool:
    """Whether the beginning of a file contains an image's file and its caption."""
    suffix = path.suffix.lower()
    if suffix not in JSON_SUFFIXES + TEXT_SUFFIXES:
        return False
    chosen = encoding_of(path, encoding)
    # Bytes that cannot be decoded cause an error later, when the file is read.
    with path.open(encoding=chosen, errors="replace", newline="") as file:
        lines = first_lines(file)
    if suffix in JSON_SUFFIXES:
        return describes_images("".join(lines), path.name, named)
    return bool(lines) and sniff(lines, suffix, named).is_sure
