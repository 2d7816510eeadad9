"""Rows of a set of the `datasets` library as samples: which columns, and what is in them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgan.data.cell import NoCaptionError, captions_of
from textgan.data.columns import CAPTION_COLUMNS
from textgan.data.sample import Sample, UnusableSampleError
from textgan.file.regular import check_no_link

_IMAGE_COLUMNS = ("image", "img", "picture", "photo", "jpg", "png", "file_name", "image_path")


@dataclass(frozen=True)
class HuggingFaceRows:
    """How a row becomes a sample.

    Attributes:
        image: column of images.
        caption: column of captions: a string, or a list of them.
        names: the caption of each number, where the column has numbers of classes.
        folder: where images that are named by a path must lie; None takes none by a path.
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
        content, path = value, None
        if isinstance(value, Mapping):
            content, path = value.get("bytes"), value.get("path")
        if isinstance(value, str):
            content, path = None, value
        if isinstance(content, bytes) and content:
            return content
        if not isinstance(path, str) or not path:
            raise UnusableSampleError("it has no image")
        return self._inside(path)

    def _inside(self, path: str) -> Path:
        """A path that lies in the folder.

        Raises:
            UnusableSampleError: it does not, or leads over a link.
        """
        if self.folder is None or "://" in path:
            raise UnusableSampleError(f"its image is not in the set, but at {path!r:.80}")
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
        ValueError: the wanted one is not there, or there is none.
    """
    if wanted is not None:
        return _checked("image_column", wanted, columns)
    own = (name for name in columns if type(features.get(name)).__name__ == "Image")
    named = (name for usual in _IMAGE_COLUMNS for name in columns if name.casefold() == usual)
    found = next(own, None) or next(named, None)
    if found is None:
        raise ValueError(
            f"the set has no column of images: set data.image_column to one of its columns, "
            f"{', '.join(columns)}"
        )
    return found


def choose_caption(columns: Sequence[str], features: Mapping[str, Any], wanted: str | None) -> str:
    """The column of captions: the wanted one, one of a usual name, or the first of classes.

    Raises:
        ValueError: the wanted one is not there, or there is none.
    """
    if wanted is not None:
        return _checked("caption_column", wanted, columns)
    named = (name for usual in CAPTION_COLUMNS for name in columns if name.casefold() == usual)
    classes = (name for name in columns if class_names(features.get(name)) is not None)
    found = next(named, None) or next(classes, None)
    if found is None:
        raise ValueError(
            f"the set has no column of captions: set data.caption_column to one of its columns, "
            f"{', '.join(columns)}"
        )
    return found


def class_names(feature: Any) -> tuple[str, ...] | None:
    """The names of a column of classes, with spaces for underscores and dashes; else None."""
    if type(feature).__name__ != "ClassLabel":
        return None
    return tuple(
        " ".join(name.replace("_", " ").replace("-", " ").split()) for name in feature.names
    )


def _checked(argument: str, wanted: str, columns: Sequence[str]) -> str:
    if wanted not in columns:
        raise ValueError(f"{argument} must be one of {', '.join(columns)}, got {wanted!r}")
    return wanted
