"""Divide images into training, validation and test."""

import filecmp
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textgan.data.captions import NO_CAPTION, Row
from textgan.data.encoding import read_text
from textgan.file.regular import check_no_link, open_regular

_HEAD_BYTES = 1 << 16
_FIRST = ("test", "val", "excluded", "train")  # a copy stays in the first of these splits


@dataclass
class Split:
    """The rows of each split, in order, and (file, reason) of each row that is in none."""

    train: list[Row] = field(default_factory=list)
    val: list[Row] = field(default_factory=list)
    test: list[Row] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    excluded: list[Row] = field(default_factory=list)


def check_shares(val_share: float, test_share: float) -> None:
    """Raise ValueError if the shares are negative, or together more than 1."""
    if min(val_share, test_share) < 0 or val_share + test_share > 1:
        raise ValueError(
            "val_share and test_share must be at least 0 and together at most 1, "
            f"got {val_share} and {test_share}"
        )


def split_rows(
    rows: Sequence[Row],
    *,
    root: Path,
    val_share: float,
    test_share: float,
    exclude: Path | None,
    follow_links: bool = False,
) -> Split:
    """Rows divided by their own splits, or where none is val or test, by a hash of their images.

    A share depends on the image's own bytes alone: copies stay together, and new files do not move
    old ones. A measurement needs two images: if fewer fall to val they go back to train.

    Args:
        rows: images, each file once.
        root: the folder of their files.
        val_share: share of the train rows, taken for val where no row names it.
        test_share: the same for test.
        exclude: a file of names (`read_names`) whose images, and copies of them, leave train.
        follow_links: whether an image may be a link, or lie in a folder that is one.

    Raises:
        ValueError: no row can be used, or `exclude` names a file that no row has.
    """
    result = Split()
    keys = _content_keys(rows, root, result.skipped, follow_links=follow_links)
    usable = [row for row in rows if row.file in keys]
    if not usable:
        file, reason = result.skipped[0]
        raise ValueError(f"none of the {len(rows)} images of {root} can be used: {file}: {reason}")
    labels = _labels(usable, keys, val_share, test_share)
    for file in read_names(exclude, rows) if exclude else ():
        if labels.get(file) == "train":
            labels[file] = "excluded"
    copies = _copies(labels, keys, root)
    for row in usable:
        if row.file in copies:
            result.skipped.append((row.file, copies[row.file]))
        else:
            getattr(result, labels[row.file]).append(row)
    return result


def read_names(path: Path, rows: Sequence[Row]) -> set[str]:
    """The files of the rows that a text file (a name a line) or .json file (a list) names.

    A name is a file's path as in the rows, or its last part.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a list of names, or no row has a name of it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"exclude must be a file of names, got {str(path)!r}")
    text = read_text(path, option=None)
    try:
        names = json.loads(text) if path.suffix.lower() == ".json" else text.split("\n")
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path} must hold a list of file names, got {names!r:.80}")
    by_name = defaultdict(set)
    for row in rows:
        by_name[Path(row.file).name].add(row.file)
    by_name |= {row.file: {row.file} for row in rows}  # a whole path means that file alone
    files = set()
    for name in filter(None, map(str.strip, names)):
        if name not in by_name:
            raise ValueError(f"exclude: {path} names {name!r}, which is none of the images")
        files |= by_name[name]
    return files


def _content_keys(
    rows: Sequence[Row], root: Path, skipped: list[tuple[str, str]], *, follow_links: bool
) -> dict[str, str]:
    """File -> a hash of its size and first bytes; rows without caption or file go to `skipped`."""
    keys = {}
    for row in rows:
        reason = row.reason or ("" if row.captions else NO_CAPTION)
        try:
            if not follow_links:
                check_no_link(root, row.file)
            with open_regular(f"{root}{os.sep}{row.file}") as file:
                size = os.fstat(file.fileno()).st_size
                head = file.read(_HEAD_BYTES)
            reason = reason if size else "the file is empty"
        except OSError as error:
            reason = reason or error.strerror or str(error)
        except ValueError as error:  # a null byte in the name
            reason = reason or str(error)
        if reason:
            skipped.append((row.file, reason))
        else:
            keys[row.file] = hashlib.blake2b(b"%d:" % size + head, digest_size=16).hexdigest()
    return keys


def _labels(
    rows: Sequence[Row], keys: dict[str, str], val_share: float, test_share: float
) -> dict[str, str]:
    """File -> the split of its row, or the one that its key falls to."""
    named = {row.split for row in rows}
    val_share = 0.0 if "val" in named else val_share
    test_share = 0.0 if "test" in named else test_share
    labels = {}
    for row in rows:
        place = int(keys[row.file][:8], 16) / 2**32  # uniform in [0, 1)
        drawn = (
            "test" if place < test_share else "val" if place < test_share + val_share else "train"
        )
        labels[row.file] = drawn if row.split in (None, "train") else row.split
    val = [file for file, label in labels.items() if label == "val"]
    if "val" not in named and len(val) < 2:
        labels |= dict.fromkeys(val, "train")
    return labels


def _copies(labels: dict[str, str], keys: dict[str, str], root: Path) -> dict[str, str]:
    """File -> the reason why it leaves its split: another split has the same bytes."""
    groups = defaultdict(list)
    for file in sorted(labels, key=lambda file: _FIRST.index(labels[file])):
        groups[keys[file]].append(file)
    reasons = {}
    for files in groups.values():
        for file in files:
            for other in files:
                if labels[other] == labels[file] or labels[file] == "excluded":
                    break
                if filecmp.cmp(root / other, root / file, shallow=False):
                    where = "excluded" if labels[other] == "excluded" else f"in {labels[other]}"
                    reasons[file] = f"it is a copy of {other}, which is {where}"
                    break
    return reasons
