"""Captions are wrapped in any script, within the width of their image."""

import pytest
from PIL import ImageFont

from textgan.image.font import font_for
from textgan.image.text_lines import wrapped

ASCII = ImageFont.load_default(size=11)


@pytest.mark.parametrize(
    "text",
    [
        "a red circle left of a blue square and a green star",
        "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
        "Кошка сидит на коврике и смотрит на круг",
        "שלום עולם מרחב ועוד מילים רבות מאוד כאן",
        "x" * 60,
        "/a/very/long/path/without/any/space/in/it.png",
    ],
)
def test_every_line_fits_and_nothing_is_lost(text):
    font = font_for(text, 11)
    lines = wrapped(text, font, 100, max_lines=9)
    assert len(lines) > 1
    assert all(font.getlength(line) <= 100 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.filterwarnings("ignore:no font here")
def test_a_text_without_spaces_is_parted_between_its_letters():
    text = "两个绿色的方块在白色背景上左边有一个红色的圆"
    font = font_for(text, 11)
    lines = wrapped(text, font, 60)
    assert "".join(lines) == text
    assert max(map(len, lines)) - min(map(len, lines[:-1])) <= 1
    assert all(font.getlength(line) <= 60 for line in lines)


@pytest.mark.filterwarnings("ignore:no font here")
def test_a_line_may_end_between_an_ideograph_and_a_word():
    font = font_for("日本語", 11)
    width = int(font.getlength("日本語 と")) + 1
    assert wrapped("日本語 と English", font, width)[0] == "日本語 と"
    assert wrapped("日本語English", font, width)[0] == "日本語"


def test_marks_stay_with_their_letters():
    text = "e\u0301" * 40
    font = font_for(text, 11)
    for line in wrapped(text, font, 50, max_lines=9):
        assert line.startswith("e")
        assert line.endswith("\u0301")


def test_what_is_too_long_ends_in_an_ellipsis_that_fits():
    for text in ("words " * 50, "x" * 500, "a " * 100_000, "x" * 1_000_000):
        lines = wrapped(text, ASCII, 64)
        assert len(lines) == 4
        assert lines[-1].endswith(" ...")
        assert all(ASCII.getlength(line) <= 64 for line in lines)


def test_spaces_control_characters_and_nothing_at_all():
    assert wrapped("", ASCII, 64) == [""]
    assert wrapped(" \t\n ", ASCII, 64) == [""]
    assert wrapped("a\x1b\x00  b\n c", ASCII, 64) == ["a b c"]
    assert wrapped("a \ud800", font_for("\ufffd", 11), 64) == ["a \ufffd"]
    assert wrapped("wide", ASCII, 1) == ["w", "i", "d", "e"]  # a letter a line, at least
