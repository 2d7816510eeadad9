"""Captions in one value, and values that are none."""

import pytest

from textgan.data.cell import NoCaptionError, captions_of


@pytest.mark.parametrize(
    ("value", "captions"),
    [
        ("  a red thing ", ("a red thing",)),
        ("['a thing', 'b thing']", ("a thing", "b thing")),
        ('["a thing", "b thing"]', ("a thing", "b thing")),
        ("('a thing', 'b thing')", ("a thing", "b thing")),
        ("['it\\'s', \"a 'b'\", None,]", ("it's", "a 'b'")),
        ('["caf\\u00e9"]', ("café",)),
        ("[]", ()),
        (["one", "", None, 2], ("one", "2")),
        ([{"raw": "one", "tokens": ["one"]}, {"caption": "two"}], ("one", "two")),
        (7, ("7",)),
        ("7", ("7",)),
        (0.5, ("0.5",)),
        *((value, ()) for value in (None, "", " ", float("nan"), "NaN", "None", "null")),
        *((text, (text,)) for text in ("[untitled]", "(a red thing)", "('tis a dog", "[sic] red")),
        *((text, (text,)) for text in ('"Stop" says he', "{a set}", "red, [blue]", "[")),
    ],
)
def test_a_value_is_these_captions(value, captions):
    assert captions_of(value) == captions


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        *((text, "looks like a list") for text in ("['a' 'b']", "['a', 'b", "[a, b]", "[['a']]")),
        *((text, "looks like a list") for text in ("['a'] and ['b']", "['a\n' 'b']", "[x(), 'a']")),
        ("array(['a', 'b'], dtype=object)", "is an object"),
        ("{'caption': 'a'}", "is an object"),
        (True, "must be a string or a number, got True"),
        ([["a"]], "must be a string or a number, got"),
        ({"x": 1}, "must be a string or a number, got"),
        ("\ud800", "must be valid Unicode"),
    ],
)
def test_a_value_is_no_caption(value, reason):
    with pytest.raises(NoCaptionError, match=reason):
        captions_of(value)


@pytest.mark.parametrize("text", ["[", "['a' ", "[,", "('", "['\\", "['a',", "[1,", '["'])
def test_a_hostile_list_is_looked_at_in_no_time(text):
    repeated = "[" + text * 50_000 + "]"
    try:
        assert captions_of(repeated) == (repeated,)
    except NoCaptionError as error:
        assert len(str(error)) < 200  # noqa: PT017 - either is right, as long as it ends
