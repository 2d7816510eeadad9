"""Fonts for captions of any script, if this machine has them."""

import functools
import os
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import ImageFont

from textgan.file.home import expanded

VARIABLE = "TEXTGAN_FONT"
# Beginnings of the file names of fonts with many scripts, which are tried before all others.
_WIDE = ("notosanscjk", "notoserifcjk", "notosans", "arialunicode", "unifont", "freesans", "noto")
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO")
_told: set[str] = set()  # warnings that were given


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont:
    """A font with the letters of a text, `size` pixels high.

    ASCII takes Pillow's own font, which has no other letters. Other texts take the first font that
    has all their letters: the file in the environment variable TEXTGAN_FONT, DejaVu Sans, which is
    part of matplotlib (Latin, Greek, Cyrillic, Hebrew, Arabic and more), then the system's fonts.
    If none has all letters, the one with most is taken, and a warning, once for each kind of
    letters, names the package that has them.
    """
    letters = frozenset(visible(text))
    if all(letter.isascii() for letter in letters):
        return _own(size)
    return _opened(_file_for(letters), size)


def font_families(texts: Iterable[str]) -> list[str]:
    """Names of the fonts that matplotlib needs for these texts, the usual one first."""
    from matplotlib.font_manager import fontManager, get_font

    families = ["DejaVu Sans"]
    for text in texts:
        letters = frozenset(visible(text))
        if all(letter.isascii() for letter in letters):
            continue
        file = _file_for(letters)
        family = get_font(file).family_name
        if family not in {font.name for font in fontManager.ttflist}:
            fontManager.addfont(file)
        if family not in families:
            families.append(family)
    return families


@contextmanager
def no_glyph_warnings() -> Iterator[None]:
    """Suppress matplotlib's warnings of missing letters, which `font_families` has given."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def visible(text: str) -> str:
    """The letters of a text that a font must have, without spaces and format marks."""
    return "".join(letter for letter in text if unicodedata.category(letter)[0] not in "CZ")


def _file_for(letters: frozenset[str]) -> str:
    """The file of the best font; a warning names a package for letters that it lacks."""
    file, absent = _best(letters, os.environ.get(VARIABLE) or None)
    if absent:
        _tell(absent)
    return file


@functools.lru_cache(256)
def _best(letters: frozenset[str], named: str | None) -> tuple[str, frozenset[str]]:
    """The file of the font that has most of the letters, and the letters that it lacks."""
    best: tuple[str, frozenset[str]] | None = None
    for file in _files(named):
        absent = frozenset(letter for letter in letters if ord(letter) not in _letters_of(file))
        if best is None or len(absent) < len(best[1]):
            best = file, absent
        if not absent:
            break
    return best


def _files(named: str | None) -> Iterable[str]:
    """Font files in the order in which they are tried; the first ones can be opened."""
    from matplotlib import font_manager

    if named is not None:
        if _letters_of(expanded(named)):
            yield expanded(named)
        else:  # a missing letter must not end a training
            rule = f"{VARIABLE} must name a font file, such as a .ttf"
            _warn_once(f"{rule}, and is not used, as it is {named!r}")
    yield font_manager.findfont("DejaVu Sans")
    yield from _system()


@functools.cache
def _system() -> list[str]:
    """The system's font files, those of many scripts first, and regular ones before bold ones."""
    from matplotlib.font_manager import findSystemFonts

    def order(file: str) -> tuple[int, bool, str]:
        name = Path(file).stem.lower().replace("-", "").replace("_", "").replace(" ", "")
        rank = next((place for place, wide in enumerate(_WIDE) if name.startswith(wide)), 99)
        return rank, any(style in name for style in ("bold", "italic", "oblique", "black")), file

    return sorted(findSystemFonts(), key=order)


@functools.cache
def _letters_of(file: str) -> frozenset[int]:
    """The letters of a font; none where it cannot be opened, or has no outlines."""
    from matplotlib.ft2font import FT2Font

    try:
        found = FT2Font(file)
        return frozenset(found.get_charmap()) if found.scalable else frozenset()
    except (OSError, RuntimeError):  # FreeType raises these for files that it cannot read
        return frozenset()


@functools.cache
def _own(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=size)


@functools.lru_cache(64)
def _opened(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)


def _tell(absent: frozenset[str]) -> None:
    """Warn once with the package that has letters of this kind."""
    letter = min(absent)
    if unicodedata.category(letter).startswith("S"):  # signs, emoji among them
        package = "fonts-symbola"
    else:
        is_cjk = unicodedata.name(letter, "").startswith(_CJK)
        package = "fonts-noto-cjk" if is_cjk else "fonts-noto-core"
    _warn_once(
        f"no font here has some letters of a caption, which are shown as boxes: install one "
        f"(Debian: apt install {package}), or set the variable {VARIABLE} to a font file"
    )


def _warn_once(sentence: str) -> None:
    if sentence not in _told:
        _told.add(sentence)
        warnings.warn(sentence, stacklevel=4)
