"""Rows of text with a delimiter: commas, tabs, semicolons or bars, with or without a header."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from textgan.data.columns import Named, holds_captions, is_image_name

DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_CHARACTERS = 1 << 16
_UNQUOTED = ("\t", "|")  # with these delimiters a quotation mark is often an ordinary letter
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own first line


@dataclass(frozen=True)
class Dialect:
    """The form of a file.

    Attributes:
        delimiter: between two fields.
        names: of the columns where the file has no header, "" for one that is not used; else None.
        is_sure: a column of files and one of captions were found.
        skip: lines before the first row.
    """

    delimiter: str
    names: tuple[str, ...] | None = None
    is_sure: bool = False
    skip: int = 0


def sniff(lines: Sequence[str], suffix: str, named: Named) -> Dialect:
    """The dialect of a file from its first lines.

    The delimiter is the one that turns the header into columns of known names. A file without a
    header is recognised by a column of image names and exactly one other that is text.

    Args:
        lines: the beginning of the file, with line ends.
        suffix: of its name: .tsv is tab-separated where nothing else is found.
        named: columns that the user named.
    """
    separator = _SEPARATOR.fullmatch(lines[0]) if lines else None
    skip = 1 if separator else 0
    delimiters = (separator[1],) if separator else DELIMITERS
    tables = {each: _sample_rows(lines[skip:], each) for each in delimiters}
    known = {each: sum(holds_captions(rows[0], named)) for each, rows in tables.items() if rows}
    if known and max(known.values()) == 2:
        return Dialect(max(known, key=known.get), is_sure=True, skip=skip)
    for each, rows in tables.items():
        if names := name_columns(rows):
            return Dialect(each, names, is_sure=True, skip=skip)
    usual = "\t" if suffix == ".tsv" else ","
    order = sorted(delimiters, key=lambda each: each != usual)
    likely = max(order, key=lambda each: (known.get(each, 0), _even_width(tables[each])))
    return Dialect(likely, skip=skip)


def first_lines(file: TextIO) -> list[str]:
    """Whole lines from a file's beginning, with line ends; the file is rewound."""
    head = file.read(_SAMPLE_CHARACTERS)
    file.seek(0)
    lines = list(StringIO(head, newline=""))
    return lines[:-1] if len(lines) > 1 and len(head) == _SAMPLE_CHARACTERS else lines


def name_columns(rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Names for the columns of rows without a header; None where they are ambiguous.

    Columns of numbers, such as the number of a caption, are not captions.
    """
    width = _even_width(rows)
    if width < 2:
        return None
    names = []
    for place in range(width):
        cells = [row[place].strip() for row in rows]
        if all(map(is_image_name, cells)):
            names.append("file_name")
        elif all(re.fullmatch(r"[-+.\d]*", cell) for cell in cells):
            names.append("")
        else:
            names.append("caption")
    known = sorted(filter(None, names))
    return tuple(names) if known == ["caption", "file_name"] else None


def read_delimited(file: TextIO, path: Path, named: Named) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and columns of every row; spaces around a cell are stripped.

    Raises:
        ValueError: a row cannot be read, or has more fields than the header.
    """
    dialect = sniff(first_lines(file), path.suffix.lower(), named)
    quoting = csv.QUOTE_MINIMAL
    if dialect.delimiter in _UNQUOTED and not _is_quoted_well(file, dialect):
        quoting = csv.QUOTE_NONE
    reader = csv.reader(
        islice(file, dialect.skip, None),
        delimiter=dialect.delimiter,
        quoting=quoting,
        skipinitialspace=True,
        strict=True,
    )
    header = dialect.names
    try:
        bare = _bare if quoting == csv.QUOTE_NONE else str.strip
        for row in reader:
            cells = list(map(bare, row))
            if not any(cells):
                continue  # spreadsheets write rows of delimiters alone
            if header is None:
                header = _header(cells)
                continue
            if any(cells[len(header) :]):
                raise ValueError(
                    f"{path}, line {dialect.skip + reader.line_num} has more fields than the "
                    "header: a caption that holds the delimiter must be in double quotes"
                )
            pairs = zip(header, cells, strict=False)
            yield dialect.skip + reader.line_num, {name: cell for name, cell in pairs if name}
    except csv.Error as error:
        line = dialect.skip + reader.line_num
        raise ValueError(f"{path}, line {line} is not valid CSV: {error}") from error


def _header(cells: list[str]) -> list[str]:
    """The names of the columns; a second column of one name gets a number at its end."""
    names: list[str] = []
    for cell in cells:
        name, number = cell, 2
        while name and name in names:
            name, number = f"{cell}_{number}", number + 1
        names.append(name)
    return names


def _sample_rows(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    """The rows of these lines, without last columns that are empty in all of them."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        rows = [[cell.strip() for cell in row] for row in reader if any(map(str.strip, row))]
    except csv.Error:
        return []
    width = max((len(row) for row in rows), default=0)
    while width and not any(row[width - 1 : width] not in ([], [""]) for row in rows):
        width -= 1
    return [row[:width] for row in rows]


def _even_width(rows: Sequence[Sequence[str]]) -> int:
    """The number of cells of every row; 0 where rows differ."""
    widths = {len(row) for row in rows}
    return widths.pop() if len(widths) == 1 else 0


def _is_quoted_well(file: TextIO, dialect: Dialect) -> bool:
    try:
        for cells in csv.reader(
            file, delimiter=dialect.delimiter, skipinitialspace=True, strict=True
        ):
            below = (cell.partition("\n")[2] for cell in cells)
            if any(dialect.delimiter in lines for lines in below):
                return False  # a quotation mark that is not closed has swallowed whole rows
    except csv.Error:
        return False
    finally:
        file.seek(0)
    return True


def _bare(cell: str) -> str:
    """A cell without the quotation marks around all of it."""
    cell = cell.strip()
    inside = cell[1:-1].replace('""', "")
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inside:
        return cell[1:-1].replace('""', '"').strip()
    return cell
