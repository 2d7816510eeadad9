"""What a folder says of its pictures: one row a picture, from any of three layouts."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textgan.data.table import JSON_SUFFIXES, Record, choose_column, read_table
from textgan.home import expanded

PICTURE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp"),
    *(".bmp", ".gif", ".tif", ".tiff", ".avif"),
)
CAPTIONS_FILES = ("metadata.jsonl", "metadata.csv", "captions.jsonl", "captions.csv")
FILE_COLUMNS = (
    *("file_name", "file", "filename", "image"),
    *("image_path", "image_file", "img", "path"),
)
CAPTION_COLUMNS = (
    *("captions", "caption", "texts", "text", "sentences"),
    *("sentence", "descriptions", "description", "prompt"),
)
SPLIT_COLUMNS = ("split",)
SPLITS = {
    **{"train": "train", "test": "test"},
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
}
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """A picture and what is said of it.

    Attributes:
        file: relative to the root, with forward slashes.
        captions: none of them empty; () where the picture has none.
        split: "train", "val" or "test", or None where none is given.
    """

    file: str
    captions: tuple[str, ...]
    split: str | None = None


@dataclass(frozen=True)
class CaptionsFile:
    """How a captions file is read: the arguments of `Folder` of these names."""

    captions_file: str | Path | None = None
    file_column: str | None = None
    caption_column: str | None = None
    split_column: str | None = None
    image_folder: str | None = None


def read_rows(root: Path, how: CaptionsFile) -> list[Row]:
    """The pictures that a folder names, in a fixed order; whether they exist is not looked at.

    The first of these that is there is read: a captions file; split folders (`train`, with `val`
    and `test` if there), each by these same rules; a .txt beside a picture; two or more
    sub-folders, one per class.

    Raises:
        FileNotFoundError: root or the captions file is missing.
        ValueError: nothing can be read, or a row breaks a rule.
    """
    expected = "root must be a folder of captioned pictures"
    if not root.exists():
        raise FileNotFoundError(f"{expected}, and {str(root)!r} does not exist")
    if not root.is_dir():
        raise ValueError(f"{expected}, and {str(root)!r} is a file")
    path = root / expanded(how.captions_file) if how.captions_file else _find_captions_file(root)
    if path is not None:
        return _read_captions_file(root, path, how)
    folders = sorted(path.name for path in root.iterdir() if path.is_dir())
    splits = {name: SPLITS[name.lower()] for name in folders if name.lower() in SPLITS}
    if "train" in splits.values():
        return [
            replace(row, file=f"{name}/{row.file}", split=split)
            for name, split in splits.items()
            for row in read_rows(root / name, how)
        ]
    for argument, value in vars(how).items():
        if value is not None:
            raise ValueError(f"{argument} says how a captions file is read, and {root} has none")
    return _read_tree(root)


def _find_captions_file(root: Path) -> Path | None:
    for name in CAPTIONS_FILES:
        if (root / name).is_file():
            return root / name
    suffixes = (*JSON_SUFFIXES, ".csv", ".tsv")
    files = sorted(path for path in root.iterdir() if path.is_file() and path.name[0] != ".")
    found = [path for path in files if path.suffix.lower() in suffixes]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{root} has several captions files ({names}): name one as captions_file")
    return found[0] if found else None


def _read_captions_file(root: Path, path: Path, how: CaptionsFile) -> list[Row]:
    table = read_table(path)
    columns = list(dict.fromkeys(name for _, record in table for name in record))
    file_column = _required(path, "file_column", how.file_column, FILE_COLUMNS, columns)
    caption_column = _required(path, "caption_column", how.caption_column, CAPTION_COLUMNS, columns)
    split_column = choose_column(path, "split_column", how.split_column, SPLIT_COLUMNS, columns)
    rows: dict[str, Row] = {}
    for number, record in table:
        where = f"{path}, line {number}"
        row = Row(
            _inside(root, record.get(file_column), how.image_folder, where),
            _captions(record.get(caption_column), where),
            _split(record, split_column, where),
        )
        rows[row.file] = _merged(rows[row.file], row, where) if row.file in rows else row
    return list(rows.values()) if split_column else _split_by_folder(list(rows.values()))


def _required(
    path: Path, argument: str, wanted: str | None, usual: tuple[str, ...], columns: list[str]
) -> str:
    found = choose_column(path, argument, wanted, usual, columns)
    if found is None:
        raise ValueError(
            f"{path} has none of the columns {', '.join(usual)}: set {argument} to one that it "
            f"has, {', '.join(columns)}"
        )
    return found


def _inside(root: Path, file: Any, image_folder: str | None, where: str) -> str:
    """The file relative to the root, with forward slashes; links are not resolved."""
    if not file or type(file) is not str:
        raise ValueError(f"{where}: the picture must be a file name, got {file!r:.80}")
    path = Path(image_folder, Path(file).name) if image_folder else Path(file)
    relative = Path(os.path.relpath(root / path, root))
    if relative.parts[:1] == (os.pardir,):
        raise ValueError(f"{where}: the picture {file!r} must lie inside the folder {root}")
    return relative.as_posix()


def _captions(value: Any, where: str) -> tuple[str, ...]:
    """The captions of a cell: a string, a list of them, or None; empty ones are left out."""
    values = value if isinstance(value, list) else [value]
    for caption in values:
        if caption is not None and type(caption) is not str:
            raise ValueError(f"{where}: a caption must be a string, got {caption!r:.80}")
        if caption and _SURROGATE.search(caption):
            raise ValueError(f"{where}: a caption must be valid Unicode, got {caption!a:.80}")
    return tuple(caption.strip() for caption in values if caption and caption.strip())


def _split(record: Record, column: str | None, where: str) -> str | None:
    if column is None:
        return None
    value = record.get(column)
    split = SPLITS.get(str(value).strip().lower())
    if split is None:
        raise ValueError(
            f"{where}: {column} must be train, val (or valid, validation, dev) or test, "
            f"got {value!r:.80}"
        )
    return split


def _merged(first: Row, second: Row, where: str) -> Row:
    if first.split != second.split:
        splits = f"{first.split} and {second.split}"
        raise ValueError(f"{where}: the picture {first.file!r} is in two splits, {splits}")
    return replace(first, captions=tuple(dict.fromkeys(first.captions + second.captions)))


def _split_by_folder(rows: list[Row]) -> list[Row]:
    """The rows with their first folders as splits, if all these are train, val or test."""
    splits = [SPLITS.get(row.file.split("/")[0].lower()) for row in rows]
    if "train" not in splits or None in splits:
        return rows
    return [replace(row, split=split) for row, split in zip(rows, splits, strict=True)]


def _read_tree(root: Path) -> list[Row]:
    files = _find_pictures(root)
    beside = {file: (root / file).with_suffix(".txt") for file in files}
    if any(path.is_file() for path in beside.values()):
        return [Row(file, _lines(path)) for file, path in beside.items()]
    if len({file.split("/")[0] for file in files if "/" in file}) < 2:
        raise ValueError(
            f"{root} has {len(files)} pictures but no captions: add a metadata.jsonl of file_name "
            "and text, or a .txt of the same name beside each picture, or two or more "
            "sub-folders, one per class"
        )
    return [Row(file, _class_name(file)) for file in files]


def _find_pictures(root: Path) -> list[str]:
    """Every picture below the root, relative to it and sorted; hidden folders are left out."""
    files: list[Path] = []
    entered: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:  # a link back up, which would never end
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    if not files:
        raise ValueError(f"{root} is an empty folder: it must hold pictures and their captions")
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise ValueError(f"{root} has no pictures, that is no {', '.join(PICTURE_SUFFIXES)}")
    return sorted(file.relative_to(root).as_posix() for file in pictures)


def _lines(path: Path) -> tuple[str, ...]:
    """Every line of a text file that is not empty; () where there is no file."""
    if not path.is_file():
        return ()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 text: {error.reason} at {error.start}") from error
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _class_name(file: str) -> tuple[str, ...]:
    """The name of a file's first folder as a caption, underscores and dashes as spaces."""
    folder, slash, _ = file.partition("/")
    name = " ".join(re.split(r"[_\-\s]+", folder)).strip()
    return (name,) if slash and name else ()
