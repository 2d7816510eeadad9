"""Rows of a captions file: JSON lines, CSV or tab-separated text."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

JSON_SUFFIXES = (".jsonl", ".ndjson")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")

Record = dict[str, Any]


def read_table(path: Path) -> list[tuple[int, Record]]:
    """Line number and columns of every row; a .txt file is read as CSV.

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
    read = _json_rows if suffix in JSON_SUFFIXES else _csv_rows
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(read(file, path))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text: {error.reason} at {error.start}") from error
    if not rows:
        raise ValueError(f"{path} is empty: it must hold one row for each picture")
    return rows


def choose_column(
    path: Path, argument: str, wanted: str | None, usual: tuple[str, ...], columns: list[str]
) -> str | None:
    """The column `wanted`, or the first of the usual names that is there (in any case), or None.

    Raises:
        ValueError: `wanted` is not among the columns.
    """
    if wanted is not None and wanted not in columns:
        raise ValueError(
            f"{path} has no column {wanted!r} ({argument}); its columns are {', '.join(columns)}"
        )
    found = (column for name in usual for column in columns if column.strip().lower() == name)
    return wanted or next(found, None)


def _json_rows(file: TextIO, path: Path) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}, line {number} is not valid JSON: {error}") from error
        if type(record) is not dict:
            raise ValueError(f"{path}, line {number} must be a JSON object, got {record!r:.80}")
        yield number, record


def _csv_rows(file: TextIO, path: Path) -> Iterator[tuple[int, Record]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(file, delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if None in record:  # DictReader's key for what is beyond the header
                raise ValueError(
                    f"{path}, line {reader.line_num} has more fields than the header: "
                    "a caption that holds the delimiter must be in double quotes"
                )
            yield reader.line_num, record
    except csv.Error as error:
        line = reader.reader.line_num  # DictReader's own number lags behind
        raise ValueError(f"{path}, line {line} is not valid CSV: {error}") from error
