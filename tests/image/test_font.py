"""Captions of any script get a font that has their letters, or a warning."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageFont

from textgan.evaluation import confusion
from textgan.image import captioned_grid, font

SCRIPTS = {
    "Latin": "üéßŁśñçøĀ",
    "Cyrillic": "Привет",
    "Greek": "ελληνικά",
    "Hebrew": "שלום",
    "Arabic": "مرحبا",
    "Georgian": "ქართული",
    "signs": "☃→∞✓",
}
CHINESE = "两个绿色的方块"


@pytest.fixture(autouse=True)
def no_fonts(monkeypatch):
    """No font but those that Pillow and matplotlib bring, and nothing said before."""
    monkeypatch.delenv(font.VARIABLE, raising=False)
    monkeypatch.setattr(font, "_system", list)
    monkeypatch.setattr(font, "_told", set())
    font._best.cache_clear()
    yield
    font._best.cache_clear()


@pytest.fixture
def chinese(tmp_path) -> Path:
    """A font file in which each letter of `CHINESE`, and nothing else, is a black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = [".notdef", *(f"uni{ord(letter):04X}" for letter in CHINESE)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(zip(map(ord, CHINESE), names[1:], strict=True)))
    square, nothing = pen.glyph(), TTGlyphPen(None).glyph()
    builder.setupGlyf({name: nothing if name == ".notdef" else square for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "squares.ttf")
    return tmp_path / "squares.ttf"


def has(found: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Whether a letter is drawn otherwise than one that no font has."""
    return bytes(found.getmask(letter)) != bytes(found.getmask("\uffff"))


def ink(image: Image.Image) -> float:
    """Share of dark pixels."""
    return float((np.asarray(image.convert("L")) < 128).mean())


def test_ascii_is_drawn_as_before():
    assert font.font_for("a red circle (at 12:30)\n", 11).getname() == ("Aileron", "Regular")


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.filterwarnings("error")
def test_a_script_that_some_font_has_is_no_box(script):
    found = font.font_for(f"a {SCRIPTS[script]}", 11)
    assert all(has(found, letter) for letter in SCRIPTS[script])
    assert not has(ImageFont.load_default(size=11), SCRIPTS[script][0])


@pytest.mark.parametrize(
    ("letters", "package"),
    [
        *((CHINESE, "fonts-noto-cjk"), ("テスト", "fonts-noto-cjk"), ("한국어", "fonts-noto-cjk")),
        *(("हिन्दी", "fonts-noto-core"), ("\U0001f642", "fonts-symbola")),
    ],
)
def test_what_no_font_has_is_said_once_with_the_package(letters, package):
    with pytest.warns(UserWarning, match=f"apt install {package}.*TEXTGAN_FONT"):
        assert font.font_for(letters, 11).getlength(letters) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for caption in (letters, letters + " a", letters[:1], "ü"):
            font.font_for(caption, 11)


def test_the_variable_names_a_font(chinese, monkeypatch):
    monkeypatch.setenv(font.VARIABLE, str(chinese))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = font.font_for(CHINESE, 11)
        assert found.getname()[0] == "Squares"
        assert font.font_for("über", 11).getname()[0] == "DejaVu Sans"  # which has all of it
        assert font.font_families(["a", CHINESE]) == ["DejaVu Sans", "Squares"]


def test_a_font_of_the_system_is_found(chinese, monkeypatch, tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    monkeypatch.setattr(font, "_system", lambda: [str(tmp_path / "broken.ttf"), str(chinese)])
    assert font.font_for(CHINESE, 11).getname()[0] == "Squares"


@pytest.mark.parametrize("named", ["/no/such/font.ttf", __file__])
def test_a_variable_that_names_no_font_is_one_sentence_and_ends_nothing(monkeypatch, named):
    monkeypatch.setenv(font.VARIABLE, named)
    with pytest.warns(UserWarning, match="TEXTGAN_FONT must name a font file, .* not used"):
        found = font.font_for("ü", 11)
    assert found.getname()[0] == "DejaVu Sans"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        font.font_for("é", 11)


def test_a_grid_shows_the_letters_of_each_caption(chinese, monkeypatch):
    images, captions = torch.ones(3, 3, 4, 4), [CHINESE, "Кошка", "cat"]
    with pytest.warns(UserWarning, match="fonts-noto-cjk"):
        boxes = captioned_grid(images, captions)
    monkeypatch.setenv(font.VARIABLE, str(chinese))
    letters = captioned_grid(images, captions)
    assert letters.size == boxes.size
    left = (0, 138, 144, letters.height)
    assert ink(letters.crop(left)) > 1.5 * ink(boxes.crop(left))  # squares are full
    right = (144, 138, letters.width, letters.height)
    assert np.array_equal(letters.crop(right), boxes.crop(right))
    assert ink(letters.crop(right)) > 0


def test_names_in_a_figure_are_drawn_in_a_font_that_has_them(chinese, monkeypatch):
    names = [CHINESE, "Fuß $x$"]
    with pytest.warns(UserWarning, match="fonts-noto-cjk|missing from") as said:
        boxes = confusion.confusion_matrix_figure(torch.eye(2), names)
    assert ["fonts-noto-cjk" in str(warning.message) for warning in said] == [True]
    monkeypatch.setenv(font.VARIABLE, str(chinese))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        letters = confusion.confusion_matrix_figure(torch.eye(2), names)
    assert not np.array_equal(np.asarray(boxes), np.asarray(letters))
