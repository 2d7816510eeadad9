"""Rows of a JSON file: one a line, a list, or one of the documents that public data sets have."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from textgan.data.coco import is_coco, read_coco
from textgan.data.columns import Named, holds_captions, is_image_name
from textgan.data.delimited import name_columns
from textgan.data.split_name import SPLITS

Record = dict[str, Any]

_HEAD_CHARACTERS = 1 << 16
_MOST_BYTES = 1_000_000_000  # of a document, which takes about six times as much memory
_FORMS = (
    "a list of objects with file_name and text, an object of captions by file name, or COCO's "
    "images and annotations"
)


def read_json(file: TextIO, path: Path, named: Named) -> tuple[str, list[tuple[int, Record]]]:
    """The unit in which rows are counted ("line" or "item"), and number and columns of each row.

    Raises:
        ValueError: the file is not valid JSON, or of no known form.
    """
    head = file.read(_HEAD_CHARACTERS).strip()
    file.seek(0)
    if head[:1] == "{" and _is_lines(head, path):
        return "line", list(_lines(file, path))
    size = os.fstat(file.fileno()).st_size
    if size > _MOST_BYTES:
        raise ValueError(
            f"{path} has {size:,} bytes, and one JSON document may have {_MOST_BYTES:,}: save it "
            "as JSON lines, one object a line"
        )
    text = file.read()
    try:
        document = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError) as error:
        if _is_row(head.partition("\n")[0]):
            file.seek(0)
            return "line", list(_lines(file, path))  # raises, with the line
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    return "item", list(enumerate(_rows(document, path, named), 1))


def describes_images(text: str, name: str, named: Named) -> bool:
    """Whether the beginning of a JSON file contains an image's file and caption.

    Args:
        text: the beginning.
        name: of the file: a name with "caption" in it decides where the beginning is not enough.
        named: columns that the user named.
    """
    text = text.lstrip()
    start = text[1:].lstrip() if text[:1] == "[" else text
    try:
        found, _ = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        key = start[1:].lstrip()[1:].partition('"')[0]
        return text[:1] in ("[", "{") and ("caption" in name.lower() or is_image_name(key))
    rows = [found] if text[:1] == "[" else _known_rows(found, named) or [found]
    row = rows[0]
    if isinstance(row, list):
        return name_columns([list(map(str, row))]) is not None
    return isinstance(row, dict) and all(holds_captions(list(row), named))


def _is_lines(head: str, path: Path) -> bool:
    """Whether each line is an object of its own, and the first is no document of many images."""
    lines = head.split("\n", 2)
    try:
        first = json.loads(lines[0])
    except (ValueError, RecursionError):
        return path.suffix.lower() != ".json" and lines[0].rstrip() not in ("{", "[")
    return not is_coco(first) and (len(lines) > 1 or path.suffix.lower() != ".json")


def _lines(file: TextIO, path: Path) -> Iterator[tuple[int, Record]]:
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


def _is_row(line: str) -> bool:
    """Whether a line is a whole list, which is a row in the wrong form: rows must be objects."""
    try:
        return isinstance(json.loads(line), list)
    except (ValueError, RecursionError):
        return False


def _rows(document: Any, path: Path, named: Named) -> Sequence[Record]:
    if is_coco(document):
        return read_coco(document, path)
    rows = document if isinstance(document, list) else _known_rows(document, named)
    if rows is None:
        raise ValueError(f"{path} must be {_FORMS}, got {document!r:.80}")
    if rows and all(isinstance(row, list) for row in rows):
        names = name_columns([list(map(str, row)) for row in rows])
        if names is None:
            raise ValueError(f"{path} must be {_FORMS}, got {document!r:.80}")
        return [dict(zip(names, row, strict=True)) for row in rows]
    for number, row in enumerate(rows, 1):
        if type(row) is not dict:
            raise ValueError(f"{path}, item {number} must be a JSON object, got {row!r:.80}")
    return rows


def _known_rows(document: Any, named: Named) -> Sequence[Any] | None:
    """The rows of an object: its columns, its one list, a list for each split, or its entries."""
    if not isinstance(document, dict) or not document:
        return None
    if is_coco(document):
        return [{"file_name": None, "captions": None}]
    if all(holds_captions(list(document), named)):
        return _transposed(document)
    lists = {key: value for key, value in document.items() if _is_list_of_objects(value)}
    if lists and all(key.strip().lower() in SPLITS for key in lists):
        return [{"split": key, **row} for key, rows in lists.items() for row in rows]
    if len(lists) == 1:
        return next(iter(lists.values()))
    return _entries(document, named)


def _transposed(columns: Record) -> list[Record] | None:
    """Rows of an object of columns, each a list or, as pandas writes them, an object by row."""
    if all(isinstance(value, dict) for value in columns.values()):
        keys = dict.fromkeys(key for column in columns.values() for key in column)
        return [{name: column.get(key) for name, column in columns.items()} for key in keys]
    lists = all(isinstance(value, list) for value in columns.values())
    if not lists or len({len(value) for value in columns.values()}) != 1:
        return [columns]  # one row
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _entries(document: Record, named: Named) -> list[Record] | None:
    """Rows of an object whose keys are files and whose values are captions or objects with one."""
    values = list(document.values())
    if all(isinstance(value, dict) and holds_captions(list(value), named)[1] for value in values):
        return [{**value, "file_name": key} for key, value in document.items()]
    if all(map(is_image_name, document)):
        return [{"file_name": key, "captions": value} for key, value in document.items()]
    return None


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
