"""Rows of a set of the `datasets` library as samples."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from textgan.data.cell import NoCaptionError, captions_of
from textgan.data.columns import CAPTION_COLUMNS
from textgan.data.sample import Sample
from textgan.data.skipping import UnusableSampleError
from textgan.file.regular import check_no_link

_IMAGE_COLUMNS = ("image", "img", "picture", "photo", "jpg", "png", "file_name", "image_path")


@dataclass(frozen=True)
class HuggingFaceRows:
    """The columns of a set that make a sample.

    Attributes:
        image: column of images.
        caption: column of captions: a string, or a list of them.
        names: the caption of each class, where the column holds class numbers.
        folder: the folder in which images that are named by a path must lie; None refuses paths.
        follow_links: whether such a path may lead over links.
    """

    image: str
    caption: str
    names: tuple[str, ...] | None = None
    folder: Path | None = None
    follow_links: bool = False

    def sample(self, row: Mapping[str, Any]) -> Sample:
        """The image and the captions of a row.

        Raises:
            UnusableSampleError: it has no image, or no caption.
        """
        return Sample(self._image(row.get(self.image)), self.captions(row))

    def captions(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """The captions of a row, at least one.

        Raises:
            UnusableSampleError: there is none.
        """
        value = row.get(self.caption)
        if self.names is not None:
            known = isinstance(value, int) and 0 <= value < len(self.names)
            value = self.names[value] if known else None
        try:
            found = captions_of(value)
        except NoCaptionError as error:
            raise UnusableSampleError(str(error)) from error
        if not found:
            raise UnusableSampleError("it has no caption")
        return found

    def _image(self, value: Any) -> bytes | Path:
        content, path = value, value
        if isinstance(value, Mapping):
            content, path = value.get("bytes"), value.get("path")
        if isinstance(content, bytes) and content:
            return content
        if not isinstance(path, str) or not path:
            raise UnusableSampleError("it has no image")
        return self._inside(path)

    def _inside(self, path: str) -> Path:
        """A path in the folder.

        Raises:
            UnusableSampleError: it is outside, or leads over a link.
        """
        if self.folder is None or "://" in path:
            raise UnusableSampleError(f"its image is outside the set, at {path!r:.80}")
        relative = os.path.relpath(self.folder / path, self.folder)
        if Path(relative).parts[:1] == (os.pardir,):
            raise UnusableSampleError(f"its image {path!r:.80} is not in {self.folder}")
        try:
            if not self.follow_links:
                check_no_link(self.folder, relative)
        except OSError as error:
            raise UnusableSampleError(error.strerror or str(error)) from error
        return self.folder / relative


def choose_image(columns: Sequence[str], features: Mapping[str, Any], wanted: str | None) -> str:
    """The column of images: the wanted one, the first of the library's own type, or by name.

    Raises:
        ValueError: the wanted one is missing, or there is none.
    """
    typed = (name for name in columns if type(features.get(name)).__name__ == "Image")
    return _choose("image", columns, wanted, chain(typed, _usual(_IMAGE_COLUMNS, columns)))


def choose_caption(columns: Sequence[str], features: Mapping[str, Any], wanted: str | None) -> str:
    """The column of captions: the wanted one, one of a usual name, or the first of classes.

    Raises:
        ValueError: the wanted one is missing, or there is none.
    """
    classes = (name for name in columns if class_names(features.get(name)) is not None)
    return _choose("caption", columns, wanted, chain(_usual(CAPTION_COLUMNS, columns), classes))


def class_names(feature: Any) -> tuple[str, ...] | None:
    """The names of a column of classes, with spaces for underscores and dashes; else None."""
    if type(feature).__name__ != "ClassLabel":
        return None
    return tuple(" ".join(re.split(r"[_\-\s]+", name)).strip() for name in feature.names)


def _usual(names: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    return (column for name in names for column in columns if column.casefold() == name)


def _choose(kind: str, columns: Sequence[str], wanted: str | None, found: Iterator[str]) -> str:
    if wanted is not None:
        if wanted not in columns:
            raise ValueError(f"{kind}_column must be one of {', '.join(columns)}, got {wanted!r}")
        return wanted
    column = next(found, None)
    if column is None:
        raise ValueError(
            f"the set has no column of {kind}s: set data.{kind}_column to one of its columns, "
            f"{', '.join(columns)}"
        )
    return column
