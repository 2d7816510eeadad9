"""The files of a folder, found in one walk."""

import mimetypes
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from textgan.file.regular import find_files, is_shown
from textgan.image.file import IMAGE_SUFFIXES

_SYSTEM = {
    *("@eadir", "#recycle", "$recycle.bin", "system volume information"),
    *("lost+found", "__macosx", "__pycache__"),
}
_RAW = (".heic", ".heif", ".jxl", ".psd", ".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".raf")


@dataclass(frozen=True)
class Tree:
    """Every file below a folder, except hidden ones and those in folders of the operating system.

    Attributes:
        root: the folder.
        files: relative to the root, with forward slashes, sorted: regular files alone.
        left_out: path, in the form of `files`, -> reason of each link, pipe and the like.
    """

    root: Path
    files: tuple[str, ...] = field(repr=False)
    left_out: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def names(self) -> frozenset[str]:
        """The files as a set."""
        return frozenset(self.files)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """The files that are images by their suffix."""
        return tuple(file for file in self.files if file.lower().endswith(IMAGE_SUFFIXES))

    @cached_property
    def unreadable(self) -> Counter[str]:
        """Suffix -> number of files that are images or films of a kind that is not read."""
        suffixes = Counter(file[file.rfind(".") :].lower() for file in self.files if "." in file)
        return Counter({each: n for each, n in suffixes.items() if _is_other_image(each)})

    def below(self, start: str) -> "Tree":
        """The tree of a sub-folder, with files relative to that folder.

        Args:
            start: its path with a slash at the end, or "" for the whole.
        """
        if not start:
            return self
        inside = (file[len(start) :] for file in self.files if file.startswith(start))
        left_out = {
            file[len(start) :]: why for file, why in self.left_out.items() if file.startswith(start)
        }
        return Tree(self.root / start, tuple(inside), left_out)

    def folders(self) -> list[str]:
        """The sub-folders of the root in which there are files."""
        return sorted({file.split("/", 1)[0] for file in self.files if "/" in file})


def walk(root: Path, *, follow_links: bool = False) -> Tree:
    """The tree of a folder.

    Args:
        root: the folder, which may itself be a link.
        follow_links: whether links below it are followed, wherever they lead.
    """
    found = find_files(root, None, follow_links=follow_links, is_own=_is_own)
    left_out = {_relative(path, root): why for path, why in found.left_out.items()}
    return Tree(root, tuple(sorted(_relative(path, root) for path in found.files)), left_out)


def _relative(path: Path, root: Path) -> str:
    """A path from the root, with forward slashes."""
    whole, start = str(path), f"{root}{os.sep}"
    if whole.startswith(start):  # ten times as fast as pathlib
        return whole[len(start) :].replace(os.sep, "/")
    return path.relative_to(root).as_posix()


def stem_of(file: str) -> str:
    """A file's path without its suffix, ten times as fast as with pathlib."""
    return file[: file.rfind(".")]


def _is_own(folder: str) -> bool:
    """Whether a folder is the user's, and not a hidden one or one of the operating system."""
    return is_shown(folder) and folder.lower() not in _SYSTEM


def _is_other_image(suffix: str) -> bool:
    if suffix in IMAGE_SUFFIXES or not suffix:
        return False
    kind = mimetypes.types_map.get(suffix, "").split("/")[0]
    return suffix in _RAW or kind in ("image", "video")
