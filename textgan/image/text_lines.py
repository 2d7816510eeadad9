"""Wrap a caption to a width, also in scripts without spaces."""

import re
import unicodedata
from collections.abc import Iterator

from PIL import ImageFont

_MARKS = ("\u200d", "\ufe0e", "\ufe0f")  # these join a letter to the one before it


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: int, max_lines: int = 4) -> list[str]:
    """The lines of a text; the last one ends with an ellipsis where there would be more.

    A line ends between words, or beside an ideograph or another wide letter, as in Chinese and
    Japanese; a word that is wider than a line is split between its letters. Control characters are
    left out.

    Args:
        text: spaces of any kind and number between its words count as one.
        font: the font that measures its letters.
        width: of a line, in pixels.
        max_lines: at least 1.
    """
    lines = [""]
    text = " ".join(text.split())[: max_lines * width + 1]  # a letter has more than a pixel
    for space, piece in _pieces(text):
        longer = f"{lines[-1]}{space if lines[-1] else ''}{piece}"
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            first, *others = _parted(piece, font, width)
            lines[-1:] = [lines[-1], first, *others] if lines[-1] else [first, *others]
        if len(lines) > max_lines:
            last = lines[max_lines - 1]
            while last and font.getlength(f"{last} ...") > width:
                last = last[:-1]
            return [*lines[: max_lines - 1], f"{last} ..."]
    return lines


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """The pieces that stay together if possible, each with the space before it in a line."""
    for word in text.split():
        shown = "".join(letter for letter in word if unicodedata.category(letter) != "Cc")
        shown = re.sub("[\ud800-\udfff]", "\ufffd", shown)
        space = " "
        for piece in _between_wide(shown):
            yield space, piece
            space = ""


def _between_wide(word: str) -> Iterator[str]:
    """Runs of narrow letters, and each wide one alone."""
    run = ""
    for cluster in _clusters(word):
        if unicodedata.east_asian_width(cluster[0]) in "WF":
            if run:
                yield run
            run = ""
            yield cluster
        else:
            run += cluster
    if run:
        yield run


def _clusters(word: str) -> Iterator[str]:
    """Letters with the marks on them."""
    cluster = ""
    for letter in word:
        joins = unicodedata.combining(letter) or unicodedata.category(letter).startswith("M")
        if cluster and not joins and letter not in _MARKS and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster


def _parted(piece: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """A piece split into lines, each as long as fits, and of at least one letter."""
    lines = [""]
    for cluster in _clusters(piece):
        if not lines[-1] or font.getlength(lines[-1] + cluster) <= width:
            lines[-1] += cluster
        else:
            lines.append(cluster)
    return lines
