"""What is said of a folder before anything is trained on it."""

from collections.abc import Iterator
from pathlib import Path

from textgan.data.captions import NO_CAPTION
from textgan.data.layout import Reading
from textgan.data.split import Split

_SHOWN = 5
_LONGEST = 100
_COPY = "it is a copy of "


def introduce(root: Path, reading: Reading, split: Split) -> str:
    """Lines that say how many images there are, show five captions, and say what is left out.

    Args:
        root: the folder.
        reading: what was found in it.
        split: the images that are used.
    """
    counts = f"{len(split.train):,} images to train on, {len(split.val):,} to validate with"
    lines = [
        f"{root}: {counts}, {len(split.test):,} to test with.",
        f"The captions come from {' and '.join(reading.sources)}. Of the training images:",
    ]
    shown = (
        [
            split.train[place * len(split.train) // _SHOWN]
            for place in range(min(_SHOWN, len(split.train)))
        ]
        if len(split.train) > _SHOWN
        else split.train
    )
    for row in shown:
        more = f" (and {len(row.captions) - 1} more)" if len(row.captions) > 1 else ""
        lines.append(f'  {_plain(row.file)}: "{_plain(row.captions[0])}"{more}')
    lines += reading.notes
    left_out = ", ".join(left_out_of(reading, split))
    return "\n".join([*lines, f"Not used: {left_out}." if left_out else "All images are used."])


def summarise(root: Path, reading: Reading, split: Split, skipped: list[tuple[str, str]]) -> str:
    """How many images were skipped, why the first three were, and which were not looked at.

    Args:
        root: the folder.
        reading: what was found in it.
        split: the images that are used.
        skipped: file and reason of each that was left out so far, broken ones, too.
    """
    total = sum(map(len, (split.train, split.val, split.test, split.skipped)))
    rest = ", ".join(not_named_or_read(reading))
    rest = f" Not looked at: {rest}." if rest else ""
    if not skipped:
        return f"None of {total:,} images was skipped.{rest}"
    named = "; ".join(f"{root / file} ({reason})" for file, reason in skipped[:3])
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    verb = "was" if len(skipped) == 1 else "were"
    return f"{len(skipped):,} of {total:,} images {verb} skipped: {named}{more}.{rest}"


def left_out_of(reading: Reading, split: Split) -> Iterator[str]:
    """How many images and rows are not used, for each reason a part of a sentence."""
    reasons = [reason for _, reason in split.skipped]
    without = reasons.count(NO_CAPTION)
    copies = sum(reason.startswith(_COPY) for reason in reasons)
    others = [
        (file, reason)
        for file, reason in split.skipped
        if reason != NO_CAPTION and not reason.startswith(_COPY)
    ]
    if without:
        yield f"{without:,} without a caption"
    if copies:
        yield f"{copies:,} that are copies of images in another split"
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
    """How many images of the folder were not looked at, for each reason a part of a sentence."""
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
    """A text in one line that a terminal only shows."""
    line = "".join(letter if letter.isprintable() else " " for letter in text[: longest + 1])
    return line if len(text) <= longest else f"{line[:longest]}..."
