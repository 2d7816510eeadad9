"""Find tar files, and the split of each."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from textgan.data.extra import require
from textgan.data.split_name import SPLITS
from textgan.file.home import expanded
from textgan.file.regular import find_files

Urls = str | Path


@dataclass(frozen=True)
class ShardFiles:
    """The tar files of each split: the arguments of `WebDataset` with these names."""

    urls: Urls
    val_urls: Urls | None
    test_urls: Urls | None
    val_share: float
    test_share: float
    follow_links: bool

    def of(self, split: str) -> list[Path]:
        """The files of a split, sorted.

        Raises:
            FileNotFoundError: there is no such folder or file.
            ValueError: a folder holds none, or one is given that is not local.
        """
        return self._splits[split]

    @cached_property
    def left_out(self) -> list[tuple[str, str]]:
        """(path, reason) of each tar file that is a link, a pipe and the like."""
        return [item for found in self._found.values() for item in found.left_out]

    @cached_property
    def _found(self) -> dict[str, "_Found"]:
        given = {"train": self.urls, "val": self.val_urls, "test": self.test_urls}
        return {split: self._find(split, urls) for split, urls in given.items() if urls is not None}

    @cached_property
    def _splits(self) -> dict[str, list[Path]]:
        others = {split: found for split, found in self._found.items() if split != "train"}
        splits = {split: list(found.names) for split, found in others.items()}
        names = self._found["train"].names
        # Without a train file the names contain no splits.
        is_split = "train" in map(_split_of, names.values())
        for path, name in names.items():
            split = (is_split and _split_of(name)) or "train"
            if not any(path in found.names for found in others.values()):
                splits.setdefault("train" if split in others else split, []).append(path)
        for split, share in (("val", self.val_share), ("test", self.test_share)):
            if split not in splits:
                _take(splits, split, share, len(names))
        return {split: sorted(splits.get(split, [])) for split in ("train", "val", "test")}

    def _find(self, split: str, urls: Urls) -> "_Found":
        option = "urls" if split == "train" else f"{split}_urls"
        result = _Found()
        for url in str(urls).split("::"):
            if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\\)", url):
                raise ValueError(
                    f"{option} must be local tar files or a folder of them, got {url!r}: download "
                    "them first"
                )
            place = Path(expanded(url))
            if place.is_dir():
                found = find_files(place, (".tar",), follow_links=self.follow_links)
                result.names |= {path: str(path.relative_to(place)) for path in found.files}
                result.left_out += [(str(path), why) for path, why in found.left_out.items()]
                if not found.files:
                    raise ValueError(f"{option} must be a folder of .tar files, and {url!r} is not")
            else:
                paths = [place] if place.exists() else _expanded(option, expanded(url))
                result.names |= {path: path.name for path in paths}
        return result


@dataclass
class _Found:
    """Files with the part of their path that may contain a split's name, and what was left out."""

    names: dict[Path, str] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def _expanded(option: str, url: str) -> list[Path]:
    """The files that a pattern with braces names.

    Raises:
        FileNotFoundError: one of them is not there.
    """
    paths = [Path(name) for name in require("braceexpand", "webdataset").braceexpand(url)]
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise FileNotFoundError(
            f"{option} must name tar files, and {str(missing)!r} does not exist"
        )
    return paths


def _split_of(name: str) -> str | None:
    """The split whose name is a word in the last part of a path, or else in an earlier part."""
    for part in reversed(name.removesuffix(".tar").split("/")):
        words = re.findall(r"[a-z]+", part.casefold())
        splits = {SPLITS[word] for word in words if word in SPLITS}
        if len(splits) == 1:
            return splits.pop()
    return None


def _take(splits: dict[str, list[Path]], split: str, share: float, count: int) -> None:
    """Move a share of the train files, those with the smallest hashes of names, to a split."""
    train = sorted(
        splits["train"],
        key=lambda path: hashlib.blake2b(path.name.encode("utf-8", "surrogateescape")).digest(),
    )
    number = min(max(1, round(share * count)), len(train) - 1) if share else 0
    splits[split], splits["train"] = train[:number], train[number:]
