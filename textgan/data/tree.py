"""The files of a folder, found in one walk."""

import mimetypes
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from textgan.picture_file import PICTURE_SUFFIXES

_SYSTEM = {
    *("@eadir", "#recycle", "$recycle.bin", "system volume information"),
    *("lost+found", "__macosx", "__pycache__"),
}
_RAW = (".heic", ".heif", ".jxl", ".psd", ".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".raf")


@dataclass(frozen=True)
class Tree:
    """Every file below a folder but hidden ones and those of systems' own folders.

    Attributes:
        root: the folder.
        files: relative to the root, with forward slashes, sorted.
    """

    root: Path
    files: tuple[str, ...] = field(repr=False)

    @cached_property
    def names(self) -> frozenset[str]:
        """The files, for looking one up."""
        return frozenset(self.files)

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """The files that are pictures by their suffix."""
        return tuple(file for file in self.files if file.lower().endswith(PICTURE_SUFFIXES))

    @cached_property
    def unreadable(self) -> Counter[str]:
        """How many files of each suffix are pictures or films of a kind that is not read."""
        suffixes = Counter(file[file.rfind(".") :].lower() for file in self.files if "." in file)
        return Counter({each: n for each, n in suffixes.items() if _is_other_picture(each)})

    def below(self, start: str) -> "Tree":
        """The tree of a sub-folder, its files relative to that.

        Args:
            start: its path with a slash at the end, or "" for the whole.
        """
        if not start:
            return self
        inside = (file[len(start) :] for file in self.files if file.startswith(start))
        return Tree(self.root / start, tuple(inside))

    def folders(self) -> list[str]:
        """The sub-folders of the root in which there are files."""
        return sorted({file.split("/", 1)[0] for file in self.files if "/" in file})


def walk(root: Path) -> Tree:
    """The tree of a folder."""
    files: list[str] = []
    entered: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:  # a link back up, which would never end
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if _is_own(name))
        relative = os.path.relpath(folder, root).replace(os.sep, "/")
        start = "" if relative == "." else f"{relative}/"
        files += [start + name for name in names if not name.startswith(".")]
    return Tree(root, tuple(sorted(files)))


def _is_own(folder: str) -> bool:
    """Whether a folder is the user's, and not hidden or a system's."""
    return not folder.startswith((".", "__")) and folder.lower() not in _SYSTEM


def _is_other_picture(suffix: str) -> bool:
    if suffix in PICTURE_SUFFIXES or not suffix:
        return False
    kind = mimetypes.types_map.get(suffix, "").split("/")[0]
    return suffix in _RAW or kind in ("image", "video")
