"""Captions in a separate file beside each image."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from textgan.caption.text import TooLongError
from textgan.data.captions import NO_CAPTION, CaptionOptions, Row, split_by_folder
from textgan.data.cell import NoCaptionError, captions_of
from textgan.data.columns import CAPTION_COLUMNS
from textgan.data.encoding import read_text
from textgan.data.tree import Tree, stem_of

SUFFIXES = (".txt", ".caption", ".json")
# YOLO's bounding boxes, a class and a position, are in .txt files beside the images too.
_BOX = re.compile(r"\d+(?:\s+-?\d*\.?\d+(?:e-?\d+)?){4,}")


def find_beside(tree: Tree, options: CaptionOptions) -> tuple[str, dict[str, str]] | None:
    """The suffix of the captions files beside the images, and image -> file; None without any.

    The files lie beside the images, or all in a folder beside that of the images, under the same
    path there: text/001/a.txt for images/001/a.png.

    Raises:
        ValueError: there are .txt and .caption files, or none has the suffix that was named.
    """
    wanted = SUFFIXES if options.caption_suffix is None else (options.caption_suffix,)
    found = {suffix: _beside(tree, suffix) for suffix in wanted}
    if not any(found.values()):
        found = {suffix: _parallel(tree, suffix) for suffix in wanted if suffix != ".json"}
    present = [suffix for suffix, files in found.items() if files]
    if options.caption_suffix is not None and not present:
        raise ValueError(
            f"{tree.root} has no image with a file of its name and the suffix "
            f"{options.caption_suffix} (caption_suffix) beside it"
        )
    if present[:2] == [".txt", ".caption"]:
        raise ValueError(
            f"{tree.root} has .txt and .caption files beside its images: "
            "name those that hold the captions, as data.caption_suffix=.txt or .caption"
        )
    if not present or (present == [".json"] and not _hold_captions(tree, found[".json"], options)):
        return None
    return present[0], found[present[0]]


def read_beside(
    tree: Tree, suffix: str, files: dict[str, str], options: CaptionOptions
) -> list[Row]:
    """A row for each image: in a text file each line that is not empty is a caption.

    In a JSON file the captions are read as from the caption column of a captions file.

    Args:
        tree: the folder's files.
        suffix: of the captions files.
        files: image -> its captions file.
        options: their encoding, and the column of JSON files.

    Raises:
        ValueError: a file is in another encoding.
    """
    rows = []
    read = _of_json if suffix == ".json" else _of_text
    for image in tree.images:
        file = files.get(image, f"{stem_of(image)}{suffix}")
        captions: tuple[str, ...] = ()
        reason = None
        if image in files:
            try:
                captions = tuple(dict.fromkeys(read(tree.root / file, options)))
            except (NoCaptionError, TooLongError) as error:
                reason = f"{file}: {error}"
        elif file in tree.left_out:
            reason = f"{file}: {tree.left_out[file]}"
        rows.append(Row(image, captions, reason=reason or (None if captions else NO_CAPTION)))
    return split_by_folder(rows)


def _beside(tree: Tree, suffix: str) -> dict[str, str]:
    """Image -> the file of its name and the suffix, where it exists."""
    pairs = ((file, f"{stem_of(file)}{suffix}") for file in tree.images)
    return {image: file for image, file in pairs if file in tree.names}


def _parallel(tree: Tree, suffix: str) -> dict[str, str]:
    """Image -> the file of its name and the suffix in another top folder, if there is one."""
    texts: dict[str, list[str]] = defaultdict(list)
    for file in tree.files:
        if file.endswith(suffix) and "/" in file:
            texts[_rest(file)].append(file)
    found = {file: texts.get(_rest(file), []) for file in tree.images if "/" in file}
    return {image: files[0] for image, files in found.items() if len(files) == 1}


def _rest(file: str) -> str:
    return stem_of(file).partition("/")[2]


def _hold_captions(tree: Tree, files: dict[str, str], options: CaptionOptions) -> bool:
    """Whether JSON files hold captions and not other notes; the first file decides."""
    if options.caption_suffix is not None:
        return True
    try:
        return any(_of_json(tree.root / next(iter(files.values())), options))
    except (NoCaptionError, TooLongError):
        return False


def _of_text(path: Path, options: CaptionOptions) -> Iterator[str]:
    for line in read_text(path, options.encoding).split("\n"):
        if _BOX.fullmatch(line.strip()):
            raise NoCaptionError(f"it holds bounding boxes, and no captions: {line!r:.80}")
        yield from captions_of(line)


def _of_json(path: Path, options: CaptionOptions) -> tuple[str, ...]:
    try:
        record = json.loads(read_text(path, options.encoding))
    except RecursionError as error:
        raise NoCaptionError("it is not valid JSON: it is too deep") from error
    except json.JSONDecodeError as error:
        raise NoCaptionError(f"it is not valid JSON: {error}") from error
    if not isinstance(record, dict):
        return captions_of(record)
    column = options.caption_column or next(
        (name for name in CAPTION_COLUMNS if name in record), None
    )
    return captions_of(record.get(column))
