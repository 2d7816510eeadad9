"""Describe a folder before a training on it, and summarise the skipped images after it."""

from collections.abc import Iterator
from pathlib import Path

from textgan.data.base import evenly
from textgan.data.captions import NO_CAPTION
from textgan.data.layout import Reading
from textgan.data.split import Split

_SHOWN = 5
_LONGEST = 100
_COPY = "it is a copy of "


def introduce(root: Path, reading: Reading, split: Split) -> str:
    """Lines with the number of images, five captions, and what is left out.

    Args:
        root: the folder.
        reading: the content of the folder.
        split: the images that are used.
    """
    counts = f"{len(split.train):,} images to train on, {len(split.val):,} to validate with"
    lines = [
        f"{root}: {counts}, {len(split.test):,} to test with.",
        f"The captions come from {' and '.join(reading.sources)}. Some training images:",
    ]
    for row in (split.train[place] for place in evenly(len(split.train), _SHOWN)):
        more = f" (and {len(row.captions) - 1} more)" if len(row.captions) > 1 else ""
        lines.append(f'  {_plain(row.file)}: "{_plain(row.captions[0])}"{more}')
    lines += reading.notes
    left_out = ", ".join(left_out_of(reading, split))
    return "\n".join([*lines, f"Not used: {left_out}." if left_out else "All images are used."])


def summarise(reading: Reading, split: Split, skipped: list[tuple[str, str]]) -> str:
    """The number of skipped images, the first three reasons, and the images not looked at.

    Args:
        reading: the content of the folder.
        split: the images that are used.
        skipped: path and reason of each image that was left out so far, broken ones included.
    """
    total = sum(map(len, (split.train, split.val, split.test, split.skipped)))
    rest = ", ".join(not_named_or_read(reading))
    rest = f" Not looked at: {rest}." if rest else ""
    if not skipped:
        return f"None of {total:,} images was skipped.{rest}"
    named = "; ".join(f"{path} ({reason})" for path, reason in skipped[:3])
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    verb = "was" if len(skipped) == 1 else "were"
    return f"{len(skipped):,} of {total:,} images {verb} skipped: {named}{more}.{rest}"


def left_out_of(reading: Reading, split: Split) -> Iterator[str]:
    """The number of unused images and rows for each reason, each a part of a sentence."""
    without = [file for file, reason in split.skipped if reason == NO_CAPTION]
    copies = [file for file, reason in split.skipped if reason.startswith(_COPY)]
    rest = [row for row in split.skipped if row[1] != NO_CAPTION]
    others = [row for row in rest if not row[1].startswith(_COPY)]
    if without:
        yield f"{len(without):,} without a caption"
    if copies:
        yield f"{len(copies):,} that are copies of images in another split"
    if split.excluded:
        yield f"{len(split.excluded):,} that are excluded"
    if others:
        file, reason = others[0]
        yield f"{len(others):,} that cannot be used, such as {_plain(file)} ({_plain(reason)})"
    yield from not_named_or_read(reading)
    if reading.faults:
        verb = "row was" if len(reading.faults) == 1 else "rows were"
        first = _plain(reading.faults[0], 300)
        yield f"and {len(reading.faults):,} {verb} skipped, such as {first}"


def not_named_or_read(reading: Reading) -> Iterator[str]:
    """The number of images in the folder that were not looked at, each a part of a sentence."""
    if reading.left_out:
        file, reason = next(iter(reading.left_out.items()))
        of_all = f"{len(reading.left_out):,} links or files that are not regular"
        yield f"{of_all}, such as {_plain(file)} ({reason})"
    if reading.unnamed:
        yield f"{reading.unnamed:,} that no captions file names"
    if reading.unreadable:
        kinds = ", ".join(sorted(reading.unreadable))
        yield f"{sum(reading.unreadable.values()):,} of kinds that are not read ({kinds})"


def _plain(text: str, longest: int = _LONGEST) -> str:
    """A text as one line without control characters, which cannot change a terminal."""
    line = "".join(letter if letter.isprintable() else " " for letter in text[: longest + 1])
    return line if len(text) <= longest else f"{line[:longest]}..."
