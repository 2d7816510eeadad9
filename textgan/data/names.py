"""Find the file that a row of a captions file names."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import PureWindowsPath

from textgan.data.tree import Tree
from textgan.image.file import IMAGE_SUFFIXES

_NUMBER = re.compile(r"#\d+$")  # "a.jpg#2" is the third caption of a.jpg in Flickr8k


class Names:
    """Finds the files of a folder by their names in a captions file.

    A name is a path from one of the bases. Where no file has exactly this name, the file is taken
    that has it in another case, in another Unicode form, or with another suffix, if there is only
    one. Backslashes may stand for slashes.

    Args:
        tree: the folder's files.
        bases: sub-folders that names are relative to ("" is the root); earlier ones take
            precedence.
        last_part: look up only the last part of each name.
    """

    def __init__(self, tree: Tree, bases: tuple[str, ...] = ("",), *, last_part: bool = False):
        self.tree, self.bases, self.last_part = tree, bases, last_part

    def find(self, name: str, *, anywhere: bool = False) -> tuple[str, str | None]:
        """The file of a name, and None; without a match the path itself, and a reason or None.

        Args:
            name: as the row has it.
            anywhere: the name may be the end of a path in any sub-folder.

        Raises:
            ValueError: the name leads out of the folder.
        """
        at_once = f"{self.bases[0]}/{name}" if self.bases[0] else name
        if not self.last_part and at_once in self.tree.names:
            return at_once, None
        forms = list(self._forms(name))  # the last is with slashes
        candidates = [self._path(base, form) for form in forms for base in self.bases]
        inside = [path for path in candidates if path is not None]
        is_out = not any(candidates[-len(self.bases) :])
        if is_out and not self.tree.names.intersection(inside):
            raise ValueError(
                f"the image {name!r} must lie inside the folder {self.tree.root}{self._hint(name)}"
            )
        for path in inside:
            if path in self.tree.names:
                return path, None
        if anywhere:
            return self._only(inside[0], self._ends, [path.strip("/") for path in inside])
        return self._only(inside[0], self._whole, inside)

    def is_there(self, file: str) -> bool:
        """Whether there is such a file, which may be hidden."""
        return file in self.tree.names or (self.tree.root / file).exists()

    def _only(
        self, name: str, known: dict[str, list[str]], paths: list[str]
    ) -> tuple[str, str | None]:
        """The one file that nearly has a path's name: in another form or with another suffix."""
        for key in (key for path in paths for key in _keys(path)):
            fitting = known.get(key, ())
            if len(fitting) == 1:
                return fitting[0], None
            if fitting:
                return name, f"no file has this name, and several nearly do: {', '.join(fitting)}"
        return name, None

    def _forms(self, name: str) -> Iterator[str]:
        """The name unchanged, and as a Windows name; each also without Flickr8k's "#2"."""
        slashed = name.replace("\\", "/")
        for form in dict.fromkeys((name, name.strip(), slashed.strip())):
            last = form.rsplit("/", 1)[-1]
            yield last if self.last_part else form
            if _NUMBER.search(last):
                yield _NUMBER.sub("", last if self.last_part else form)

    def _path(self, base: str, name: str) -> str | None:
        """A name as a path from the root, None if it leads out of it; links are not resolved."""
        if PureWindowsPath(name).drive:
            return None
        if name.startswith("/"):
            path = os.path.relpath(name, self.tree.root.absolute())
        else:
            path = os.path.normpath(f"{base}/{name}" if base else name)
        path = path.replace(os.sep, "/")
        return None if f"{path}/".startswith("../") else path

    def _hint(self, name: str) -> str:
        is_absolute = name.startswith("/") or bool(PureWindowsPath(name).drive)
        return "; data.image_folder=. takes the last part of each name" if is_absolute else ""

    @cached_property
    def _whole(self) -> dict[str, list[str]]:
        """Key of a path -> the images with this key."""
        known = defaultdict(list)
        for file in self.tree.images:
            for key in _keys(file):
                known[key].append(file)
        return dict(known)

    @cached_property
    def _ends(self) -> dict[str, list[str]]:
        """Key of the last parts of a path, of any number -> the images with this key."""
        known = defaultdict(list)
        for file in self.tree.images:
            parts = file.split("/")
            for start in range(len(parts)):
                for key in _keys("/".join(parts[start:])):
                    known[key].append(file)
        return dict(known)


def _keys(path: str) -> Iterator[str]:
    """The keys that nearly equal paths share: without case and Unicode form, or without suffix."""
    folded = unicodedata.normalize("NFC", path).casefold()
    yield folded
    stem, dot, suffix = folded.rpartition(".")
    yield f"{stem if f'{dot}{suffix}' in IMAGE_SUFFIXES else folded}\0"
