"""Captions in a file of its own beside each picture."""

import json
from collections.abc import Iterator
from pathlib import Path

from textgan.caption_text import TooLongError
from textgan.data.captions import NO_CAPTION, CaptionsFile, Row
from textgan.data.cell import NoCaptionError, captions_of
from textgan.data.columns import CAPTION_COLUMNS
from textgan.data.encoding import read_text
from textgan.data.tree import Tree, stem_of

SUFFIXES = (".txt", ".caption", ".json")


def caption_suffix(tree: Tree, how: CaptionsFile) -> str | None:
    """The suffix of the files beside the pictures that hold their captions, None if none has one.

    Raises:
        ValueError: there are .txt and .caption files, or none has the suffix that was named.
    """
    found = {
        suffix: any(_beside(file, suffix) in tree.names for file in tree.pictures)
        for suffix in (SUFFIXES if how.caption_suffix is None else (how.caption_suffix,))
    }
    present = [suffix for suffix, is_there in found.items() if is_there]
    if how.caption_suffix is not None and not present:
        raise ValueError(
            f"{tree.root} has no picture with a file of its name and {how.caption_suffix} "
            "(caption_suffix) beside it"
        )
    if present[:2] == [".txt", ".caption"]:
        raise ValueError(
            f"{tree.root} has .txt and .caption files beside its pictures: "
            "name those that hold the captions, as data.caption_suffix=.txt or .caption"
        )
    if present == [".json"] and how.caption_suffix is None:  # often notes of something else
        first = next(file for file in tree.pictures if _beside(file, ".json") in tree.names)
        try:
            return ".json" if any(_of_json(tree.root / _beside(first, ".json"), how)) else None
        except NoCaptionError:
            return None
    return present[0] if present else None


def read_beside(tree: Tree, suffix: str, how: CaptionsFile) -> list[Row]:
    """A row for each picture: in a text file each line that is not empty is a caption.

    Of a JSON file it is what a captions file has in its column of captions.

    Raises:
        ValueError: a file is in another encoding.
    """
    rows = []
    read = _of_json if suffix == ".json" else _of_text
    for file in tree.pictures:
        beside = _beside(file, suffix)
        captions: tuple[str, ...] = ()
        reason = None
        if beside in tree.names:
            try:
                captions = tuple(read(tree.root / beside, how))
            except (NoCaptionError, TooLongError) as error:
                reason = f"{beside}: {error}"
        elif beside in tree.left_out:
            reason = f"{beside}: {tree.left_out[beside]}"
        rows.append(Row(file, captions, reason=reason or (None if captions else NO_CAPTION)))
    return rows


def _beside(file: str, suffix: str) -> str:
    return f"{stem_of(file)}{suffix}"


def _of_text(path: Path, how: CaptionsFile) -> Iterator[str]:
    for line in read_text(path, how.encoding).split("\n"):
        yield from captions_of(line)


def _of_json(path: Path, how: CaptionsFile) -> tuple[str, ...]:
    try:
        record = json.loads(read_text(path, how.encoding))
    except RecursionError as error:
        raise NoCaptionError("it is not valid JSON: it is too deep") from error
    except json.JSONDecodeError as error:
        raise NoCaptionError(f"it is not valid JSON: {error}") from error
    if not isinstance(record, dict):
        return captions_of(record)
    column = how.caption_column or next((name for name in CAPTION_COLUMNS if name in record), None)
    return captions_of(record.get(column))
