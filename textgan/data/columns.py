"""Choose the columns of a captions file: those of files, captions and splits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textgan.image.file import IMAGE_SUFFIXES

FILE_COLUMNS = (
    *("file_name", "file", "filename", "image", "image_path", "image_file", "img", "path"),
    *("filepath", "file_path", "image_name", "image_filename", "img_path", "img_name", "img_file"),
    *("picture", "photo"),
)
# If several of the first four are present the earlier one is taken, as their names are clear. The
# others may be titles of something else, so the user has to name one of several.
CAPTION_COLUMNS = (
    *("captions", "caption", "texts", "text"),
    *("sentences", "sentence", "descriptions", "description", "prompts", "prompt"),
    *("comments", "comment", "title", "raw", "alt_text"),
)
_CLEAR = CAPTION_COLUMNS[:4]
SPLIT_COLUMNS = ("split",)
_NUMBERED = re.compile(r"(.*?)_?\d+")


@dataclass(frozen=True)
class Named:
    """The columns that the user named: the arguments of `Folder` with these names."""

    file_column: str | None = None
    caption_column: str | None = None
    split_column: str | None = None


@dataclass(frozen=True)
class Columns:
    """The columns of a captions file: of files, of captions (one or several) and of splits."""

    file: str
    captions: tuple[str, ...]
    split: str | None

    def __str__(self) -> str:
        return ", ".join((self.file, *self.captions, *([self.split] if self.split else [])))


def is_image_name(text: str) -> bool:
    """Whether a name ends as an image's does; Flickr8k's "a.jpg#2" counts, too."""
    return re.sub(r"#\d+$", "", text.strip()).lower().endswith(IMAGE_SUFFIXES)


def holds_captions(columns: Sequence[str], named: Named) -> tuple[bool, bool]:
    """Whether the columns include one of files, and whether they include one of captions."""
    file = named.file_column in columns or bool(_usual_files(columns))
    caption = named.caption_column in columns or bool(_usual_captions(columns))
    return file, caption


def choose_columns(path: Path, columns: Sequence[str], named: Named, sample: dict) -> Columns:
    """The columns that are named, else those of the usual names, in any case.

    Args:
        path: the captions file, for messages.
        columns: all its columns.
        named: the columns that the user named.
        sample: a row: of several columns of files the first is taken in which it names an image.

    Raises:
        ValueError: a named column is missing, none has a usual name, or several may hold the
            captions.
    """
    for argument, wanted in vars(named).items():
        if wanted is not None and wanted not in columns:
            raise ValueError(
                f"{path} has no column {wanted!r} ({argument}); its columns are "
                f"{', '.join(columns)}"
            )
    return Columns(
        named.file_column or _file_column(path, columns, sample),
        (named.caption_column,) if named.caption_column else _caption_columns(path, columns),
        named.split_column or next((c for c in columns if _plain(c) in SPLIT_COLUMNS), None),
    )


def _file_column(path: Path, columns: Sequence[str], sample: dict) -> str:
    found = _usual_files(columns)
    if not found:
        raise ValueError(_none_of(path, "file_column", FILE_COLUMNS, columns))
    images = (name for name in found if is_image_name(str(sample.get(name))))
    return next(images, found[0])


def _caption_columns(path: Path, columns: Sequence[str]) -> tuple[str, ...]:
    found = _usual_captions(columns)
    if not found:
        raise ValueError(_none_of(path, "caption_column", CAPTION_COLUMNS, columns))
    base = next(iter(found))
    if base not in _CLEAR and len(found) > 1:
        several = ", ".join(name for names in found.values() for name in names)
        raise ValueError(
            f"{path} has several columns that may hold the captions, {several}: "
            "name one as data.caption_column"
        )
    return tuple(found[base])


def _usual_files(columns: Sequence[str]) -> list[str]:
    return [column for name in FILE_COLUMNS for column in columns if _plain(column) == name]


def _usual_captions(columns: Sequence[str]) -> dict[str, list[str]]:
    """Usual name -> the columns of it, such as caption_1 and caption_2 of caption."""
    found = {}
    for base in CAPTION_COLUMNS:
        of_base = []
        for column in columns:
            plain = _plain(column)
            numbered = _NUMBERED.fullmatch(plain)
            if plain == base or (numbered and numbered[1] == base):
                of_base.append(column)
        if of_base:
            found[base] = of_base
    return found


def _none_of(path: Path, argument: str, usual: Sequence[str], columns: Sequence[str]) -> str:
    return (
        f"{path} has none of the columns {', '.join(usual)}: set {argument} to one that it has, "
        f"{', '.join(columns)}"
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())
