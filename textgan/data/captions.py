"""The rows of one captions file: images with their captions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textgan.data.cell import NoCaptionError, captions_of
from textgan.data.columns import Columns, Named, choose_columns
from textgan.data.names import Names
from textgan.data.split_name import SPLITS, split_of
from textgan.data.table import Record, Table, read_table
from textgan.data.tree import Tree

NO_CAPTION = "it has no caption"


@dataclass(frozen=True)
class Row:
    """An image and its captions.

    Attributes:
        file: relative to the root, with forward slashes.
        captions: none of them empty; () where the image has none.
        split: "train", "val" or "test", or None where none is given.
        reason: why the image cannot be used, or None.
    """

    file: str
    captions: tuple[str, ...]
    split: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class CaptionOptions:
    """Options for reading captions: the arguments of `Folder` with these names."""

    captions_file: str | Path | None = None
    file_column: str | None = None
    caption_column: str | None = None
    split_column: str | None = None
    image_folder: str | None = None
    encoding: str | None = None
    caption_suffix: str | None = None

    @property
    def named(self) -> Named:
        """The columns that the user named."""
        return Named(self.file_column, self.caption_column, self.split_column)


@dataclass(frozen=True)
class ReadFile:
    """The content of a captions file.

    Attributes:
        rows: a row for each image that it names.
        faults: place and reason of each row, or part of a row, that was left out, except where an
            image of `rows` carries the reason.
        columns: the columns that were read.
    """

    rows: list[Row]
    faults: list[str]
    columns: Columns


def read_captions_file(
    tree: Tree, path: Path, options: CaptionOptions, *, start: str = "", split: str | None = None
) -> ReadFile:
    """The images that a captions file names, without a check that they exist.

    Names are relative to the root or to the file's own folder, whichever has more of the files, or
    to a folder that the file is named after ("train2017" for captions_train2017.json). If no name
    is found so, each is looked up in all sub-folders.

    Args:
        tree: the files of the root.
        path: the captions file.
        options: its columns and encoding.
        start: path from the root, with a slash at its end, of the split folder that is read; there
            `image_folder` is looked up first.
        split: the split of all its rows, if not None.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or a row breaks a rule that concerns all rows.
    """
    table = read_table(path, options.named, options.encoding)
    columns = choose_columns(path, table.columns, options.named, table.rows[0][1])
    if options.image_folder is None:
        texts = [str(record.get(columns.file)) for _, record in table.rows]
        root_first = options.captions_file is not None
        names = Names(tree, _bases(tree, path, texts, root_first=root_first))
    else:
        folders = dict.fromkeys((f"{start}{options.image_folder}", options.image_folder))
        names = Names(tree, tuple(folders), last_part=True)
    places, faults = _files(table, columns.file, names)
    rows: dict[str, Row] = {}
    partial: list[tuple[str, str]] = []
    for number, record in table.rows:
        if number not in places:
            continue
        file, reason = places[number]
        where = table.where(number)
        captions, fault = _captions(record, columns.captions)
        if fault:
            partial.append((file, f"{where}: {fault}"))
        reason = reason or (None if captions else fault or NO_CAPTION)
        row = Row(file, captions, split or _split(record, columns.split, where), reason)
        rows[file] = merged(rows[file], row, where) if file in rows else row
    if not rows:
        raise ValueError(f"{path} has no row that can be used: {faults[0]}")
    faults += [fault for file, fault in partial if rows[file].reason is None]
    found = list(rows.values())
    return ReadFile(found if columns.split or split else split_by_folder(found), faults, columns)


def split_by_folder(rows: list[Row]) -> list[Row]:
    """The rows with their folders as splits, if each lies in a folder with a split's name."""
    splits = [next(filter(None, map(split_of, row.file.split("/")[:-1])), None) for row in rows]
    if "train" not in splits or None in splits:
        return rows
    return [replace(row, split=split) for row, split in zip(rows, splits, strict=True)]


def _bases(tree: Tree, path: Path, names: list[str], *, root_first: bool) -> tuple[str, ...]:
    """The folders that names are relative to: the root or the file's own, and its namesakes."""
    inside = path.is_relative_to(tree.root)
    own = path.parent.relative_to(tree.root).as_posix() if inside else "."
    both = ["" if own == "." else own, ""]
    both = list(dict.fromkeys(reversed(both) if root_first else both))
    found = {
        base: sum((f"{base}/{name}" if base else name) in tree.names for name in names)
        for base in both
    }
    # All rows have one base: otherwise a missing image would be replaced by another of its name.
    if best := max(found.values()):
        both = [next(base for base in both if found[base] == best)]
    _, _, last = path.stem.rpartition("_")
    folders = {file.rpartition("/")[0] for file in tree.images}
    named = sorted(folder for folder in folders if folder.rpartition("/")[2] == last)
    return tuple(dict.fromkeys([*both, *named]))


def _files(
    table: Table, column: str, names: Names
) -> tuple[dict[int, tuple[str, str | None]], list[str]]:
    """Row number -> file of its image and a fault of it or None; and the faults of the other rows.

    Raises:
        ValueError: a name leads out of the folder.
    """
    places, faults = {}, []
    for number, record in table.rows:
        name = record.get(column)
        if name is None or not str(name).strip() or not isinstance(name, (str, int)):
            faults.append(f"{table.where(number)}: the image must be a file name, got {name!r:.80}")
            continue
        try:
            places[number] = names.find(str(name))
        except ValueError as error:
            raise ValueError(f"{table.where(number)}: {error}") from error
    if not any(names.is_there(file) for file, _ in places.values()):
        texts = ((number, str(record[column])) for number, record in table.rows if number in places)
        places = {number: names.find(text, anywhere=True) for number, text in texts}
    return places, faults


def _captions(record: Record, columns: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The captions of a row, each once, and the reason if a value was left out."""
    found: list[str] = []
    fault = None
    for column in columns:
        try:
            found += captions_of(record.get(column))
        except NoCaptionError as error:
            fault = str(error)
    return tuple(dict.fromkeys(found)), fault


def _split(record: Record, column: str | None, where: str) -> str | None:
    if column is None:
        return None
    value: Any = record.get(column)
    split = SPLITS.get(str(value).strip().lower())
    if split is None:
        raise ValueError(
            f"{where}: {column} must be train, val (or valid, validation, dev) or test, "
            f"got {value!r:.80}"
        )
    return split


def merged(first: Row, second: Row, where: object) -> Row:
    """Two rows of one image, joined.

    Raises:
        ValueError: they are of two splits.
    """
    if first.split != second.split:
        splits = f"{first.split} and {second.split}"
        raise ValueError(f"{where}: the image {first.file!r} is in two splits, {splits}")
    captions = tuple(dict.fromkeys(first.captions + second.captions))
    reason = None if captions and None in (first.reason, second.reason) else first.reason
    return replace(first, captions=captions, reason=reason)
