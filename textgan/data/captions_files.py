"""Find the captions files of a folder, where the user names none."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from textgan.data.captions import CaptionOptions, read_captions_file
from textgan.data.split_name import split_of, split_of_file
from textgan.data.table import JSON_SUFFIXES, TEXT_SUFFIXES, is_captions_file
from textgan.data.tree import Tree, stem_of

_FIRST = ("metadata.jsonl", "metadata.csv", "captions.jsonl", "captions.csv")
USUAL = (*_FIRST, "metadata.tsv", "captions.tsv", "metadata.json", "captions.json", "captions.txt")
_ALWAYS = (".jsonl", ".ndjson", ".csv", ".tsv")  # such a file is nearly always a table
_SHOWN = 8
_MANY = 50  # more text files in one folder are something else, and are not opened


def find_captions_files(tree: Tree, options: CaptionOptions) -> dict[Path, str | None]:
    """The captions files of a folder, each with its split, or None.

    Files in the folder itself are taken, else those in sub-folders that are no splits. A captions
    file is recognised by its name, or by columns of images and captions.

    Raises:
        ValueError: a folder has several, and they are not one for each split.
    """
    by_folder: dict[str, list[str]] = defaultdict(list)
    for file in _tables(tree):
        by_folder[file.rpartition("/")[0]].append(file)
    if own := _of_one_folder(tree, by_folder.pop("", []), options):
        return own
    found: dict[Path, str | None] = {}
    for folder, files in by_folder.items():
        if split_of(folder.split("/")[0]) is None:
            found |= _of_one_folder(tree, files, options)
    return found


def check_no_other(tree: Tree, options: CaptionOptions) -> None:
    """Refuse a folder with a table that looks like a captions file and has unknown columns.

    Raises:
        ValueError: there is one; the message names the column that is missing.
    """
    others = [file for file in _tables(tree) if "/" not in file and file.endswith(_ALWAYS)]
    if len(others) > 1:
        raise ValueError(_several(tree, others))
    if others:
        read_captions_file(tree, tree.root / others[0], options)


def _tables(tree: Tree) -> list[str]:
    """Files that may be captions files by their suffix, and lie beside no image of their name."""
    suffixes = (*JSON_SUFFIXES, *TEXT_SUFFIXES)
    tables = [file for file in tree.files if file.lower().endswith(suffixes)]
    if not tables:
        return []
    stems = {stem_of(file) for file in tree.images}
    return [file for file in tables if stem_of(file) not in stems]


def _of_one_folder(tree: Tree, files: list[str], options: CaptionOptions) -> dict[Path, str | None]:
    by_name = {file.rpartition("/")[2]: file for file in files}
    for name in USUAL:
        if name in by_name and (name in _FIRST or _is_one(tree, by_name[name], options)):
            return {tree.root / by_name[name]: None}
    opened = files if len(files) <= _MANY else [file for file in files if file.endswith(_ALWAYS)]
    found = [file for file in opened if _is_one(tree, file, options)]
    named = [file for file in found if "caption" in file.rpartition("/")[2].lower()]
    found = named or found
    if len(found) < 2:
        return dict.fromkeys((tree.root / file for file in found), None)
    splits = {tree.root / file: split_of_file(PurePosixPath(file).stem) for file in found}
    if None in splits.values():
        raise ValueError(_several(tree, found))
    return splits


def _is_one(tree: Tree, file: str, options: CaptionOptions) -> bool:
    return is_captions_file(tree.root / file, options.named, options.encoding)


def _several(tree: Tree, files: Sequence[str]) -> str:
    names = ", ".join(files[:_SHOWN]) + (", ..." if len(files) > _SHOWN else "")
    return f"{tree.root} has several captions files ({names}): name one as data.captions_file"
