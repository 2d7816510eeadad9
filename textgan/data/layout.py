"""Choose the layout by which a folder is read, and read it."""

import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from textgan.data.beside import find_beside, read_beside
from textgan.data.captions import NO_CAPTION, CaptionOptions, Row, merged, read_captions_file
from textgan.data.captions_files import USUAL, check_no_other, find_captions_files
from textgan.data.split_name import is_class, split_of
from textgan.data.tree import Tree, walk
from textgan.file.home import expanded
from textgan.file.regular import check_no_link
from textgan.image.file import IMAGE_SUFFIXES

_DEEPEST = 8  # nested folders, each with nothing but the next one, are entered to this depth
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass
class Reading:
    """The images of a folder with their captions.

    Attributes:
        rows: the images, each once, in a fixed order.
        sources: the sources of the captions, each a part of a sentence.
        faults: place and reason of each row of a captions file that was left out.
        notes: sentences on surprising choices, such as an empty split folder.
        unnamed: number of images in the folder that no captions file names.
        left_out: path -> reason of each link, pipe and the like in the folder.
        unreadable: suffix -> number of images and films of a kind that is not read.
        classes: sorted names of the classes, if every caption is the name of a class.
    """

    rows: list[Row]
    sources: list[str]
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unnamed: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)


def read_folder(root: Path, options: CaptionOptions, *, follow_links: bool = False) -> Reading:
    """The images that a folder names, without a check that they exist.

    The first of these layouts that fits is read: captions files in the root, or in sub-folders that
    are no splits; split folders (`train`, with `val` and `test` if present), each by these same
    rules; a file of captions beside an image; two or more sub-folders, one per class.

    Args:
        root: the folder.
        options: options for reading captions.
        follow_links: whether links below it are followed; else they are left out.

    Raises:
        FileNotFoundError: root or the captions file is missing.
        ValueError: nothing can be read, or a row breaks a rule.
    """
    expected = "root must be a folder of captioned images"
    if not root.exists():
        raise FileNotFoundError(f"{expected}, and {str(root)!r} does not exist")
    if not root.is_dir():
        raise ValueError(f"{expected}, and {str(root)!r} is a file")
    whole = walk(root, follow_links=follow_links)
    if options.captions_file:
        path = root / expanded(options.captions_file)
        if not follow_links:
            _check_no_link(root, path)
        reading = _of_captions_files(whole, "", {path: None}, options)
    else:
        _check_left_out(whole)
        reading = _read(whole, "", options)
    reading.unnamed = len(whole.images) - len(whole.names.intersection(_files(reading)))
    reading.unreadable = dict(whole.unreadable)
    known = _files(reading)  # the reasons of these are in their rows
    reading.left_out = {file: why for file, why in whole.left_out.items() if file not in known}
    return reading


def _check_no_link(root: Path, path: Path) -> None:
    """Refuse a captions file in the folder that is a link, or is reached by one."""
    relative = os.path.relpath(path, root)
    if relative.startswith(os.pardir):
        return
    try:
        check_no_link(root, relative)
    except OSError as error:
        raise ValueError(f"captions_file {str(path)!r} is not read: {error.strerror}") from error


def _check_left_out(tree: Tree) -> None:
    """Refuse a folder from which a part was left out that decides how the rest is read."""
    for name, reason in tree.left_out.items():
        if "/" not in name and (name in USUAL or split_of(name) is not None):
            raise ValueError(
                f"{tree.root / name} is not read: {reason} (data.follow_links=true follows links)"
            )


def _read(whole: Tree, start: str, options: CaptionOptions) -> Reading:
    """Read a folder, or a part of it.

    Args:
        whole: the folder that the user named; files are relative to it.
        start: "" for the whole, or the path of a part with a slash at its end.
        options: options for reading captions.
    """
    tree = whole.below(start)
    if options.caption_suffix is None and (files := find_captions_files(tree, options)):
        return _of_captions_files(whole, start, files, options)
    folders = tree.folders()
    splits = {name: split for name in folders if (split := split_of(name))}
    if "train" in splits.values():
        return _of_splits(whole, start, splits, options)
    own = find_beside(tree, options)
    if own is None:
        check_no_other(tree, options)
        if (
            len(folders) == 1
            and start.count("/") < _DEEPEST
            and not any("/" not in file for file in tree.images)
        ):
            return _read(whole, f"{start}{folders[0]}/", options)
    for argument, value in vars(options).items():
        if value is not None and argument not in ("encoding", "caption_suffix"):
            raise ValueError(
                f"{argument} is an option of a captions file, and {tree.root} has none"
            )
    if own is not None:
        rows = read_beside(tree, *own, options)
        return Reading(_below(start, rows), [f"the {own[0]} files beside the images"])
    return _of_classes(tree, start)


def _of_captions_files(
    whole: Tree, start: str, files: dict[Path, str | None], options: CaptionOptions
) -> Reading:
    """All captions files together, each with its split, or None."""
    rows: dict[str, Row] = {}
    reading = Reading([], [])
    for path, split in files.items():
        read = read_captions_file(whole, path, options, start=start, split=split)
        for row in read.rows:
            rows[row.file] = merged(rows[row.file], row, path) if row.file in rows else row
        reading.faults += read.faults
        reading.sources.append(f"{_short(path, whole)} (columns {read.columns})")
    reading.rows = list(rows.values())
    return reading


def _of_splits(whole: Tree, start: str, splits: dict[str, str], options: CaptionOptions) -> Reading:
    """Split folders, each read by itself; an empty one of val or test is ignored."""
    together, classes = Reading([], []), []
    for path in sorted(whole.below(start).root.iterdir()):
        if path.is_dir() and split_of(path.name) and path.name not in splits:
            together.notes.append(f"{path} has no images, and is left out.")
    for name, split in splits.items():
        part = whole.below(f"{start}{name}/")
        if split != "train" and not part.images and not find_captions_files(part, options):
            together.notes.append(f"{part.root} has no images, and is left out.")
            continue
        reading = _read(whole, f"{start}{name}/", options)
        together.rows += [replace(row, split=split) for row in reading.rows]
        together.sources += [each for each in reading.sources if each not in together.sources]
        together.faults += reading.faults
        together.notes += reading.notes
        classes.append(reading.classes)
    if all(classes):
        together.classes = sorted({name for own in classes for name in own})
    return together


def _of_classes(tree: Tree, start: str) -> Reading:
    """A row for each image, with the name of its folder as its caption.

    Raises:
        ValueError: there are no images, or fewer than two folders that may be classes.
    """
    if not tree.images:
        raise ValueError(_no_images(tree))
    classes = {file: _class_name(file) for file in tree.images}
    names = sorted({name for name in classes.values() if name})
    if len(names) < 2:
        raise ValueError(_no_captions(tree))
    rows = [
        Row(file, (name,) if name else (), reason=None if name else NO_CAPTION)
        for file, name in classes.items()
    ]
    shown = ", ".join(repr(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
    source = f"the names of the {len(names):,} folders that the images are in: {shown}"
    return Reading(_below(start, rows), [source], classes=names)


def _class_name(file: str) -> str | None:
    """The name of the first of a file's folders that may be a class, as words with spaces."""
    folder = next(filter(is_class, file.split("/")[:-1]), None)
    return folder and " ".join(re.split(r"[_\-\s]+", folder)).strip()


def _no_images(tree: Tree) -> str:
    if not tree.files and not tree.left_out:
        return f"{tree.root} is an empty folder: it must hold images and their captions"
    left_out = [f"; left out: {name}: {why}" for name, why in tree.left_out.items()][:1]
    missing = f"{tree.root} has no images ({', '.join(IMAGE_SUFFIXES)})"
    return _packed(tree) or f"{missing}{''.join(left_out)}"


def _no_captions(tree: Tree) -> str:
    folders = [name for name in tree.folders() if not is_class(name)]
    left_out = [f"; left out: {name}: {why}" for name, why in tree.left_out.items()][:1]
    said = f" (folders named {', '.join(folders[:3])} are no classes)" if folders else ""
    return _packed(tree) or (
        f"{tree.root} has {len(tree.images)} images but no captions{said}: add a "
        "metadata.jsonl of file_name and text, or a .txt of the same name beside each image, or "
        f"two or more sub-folders, one per class{''.join(left_out)}"
    )


def _packed(tree: Tree) -> str | None:
    """The message for a folder with captions in files for other data modules; else None."""
    root = shlex.quote(str(tree.root))
    for suffixes, kind, read_by in (
        ((".parquet", ".arrow"), "Parquet or Arrow files", f"data=huggingface data.path={root}"),
        (_ARCHIVES, "tar files", f"data=webdataset data.urls={root}"),
    ):
        found = [file for file in tree.files if file.lower().endswith(suffixes)]
        if found:
            return (
                f"{tree.root} has its captions in {kind} such as {found[0]}, which data=folder "
                f"does not read: use {read_by}"
            )
    zips = [file for file in tree.files if file.lower().endswith((".zip", ".7z", ".rar"))]
    return f"{tree.root} has archives such as {zips[0]}: unpack them" if zips else None


def _below(start: str, rows: Iterable[Row]) -> list[Row]:
    return [replace(row, file=start + row.file) for row in rows] if start else list(rows)


def _files(reading: Reading) -> set[str]:
    return {row.file for row in reading.rows}


def _short(path: Path, whole: Tree) -> str:
    return str(path.relative_to(whole.root) if path.is_relative_to(whole.root) else path)
