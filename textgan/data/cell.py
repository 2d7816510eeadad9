"""Parse the captions in one value of a captions file."""

import ast
import json
import math
import re
from typing import Any

from textgan.caption.text import TooLongError, check_caption

_KEYS = ("raw", "caption", "text", "sentence")  # the first that an object has is its caption
_EMPTY = {"", "nan", "null", "none", "n/a"}  # pandas and spreadsheets write empty cells so
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
_ITEM = rf"(?:{_STRING}|[-+.\w]+)"
_LIST = re.compile(rf"[\[(]\s*(?:{_ITEM}\s*(?:,\s*{_ITEM}\s*)*(?:,\s*)?)?[\])]")
_ITEMS = re.compile(_ITEM)
_LIKE_AN_OBJECT = re.compile(r"\{\s*['\"].*\}|array\(.*\)", re.DOTALL)


class NoCaptionError(ValueError):
    """A value that is no caption; its text is the reason."""


def captions_of(value: Any) -> tuple[str, ...]:
    """The captions of a value: a string, a number, or a list of them; empty ones are left out.

    A string in the form of a list, as JSON or Python write it (`["a", "b"]`, `['a', 'b']`), is that
    list. An object in a list stands for its `raw`, `caption`, `text` or `sentence`.

    Raises:
        NoCaptionError: the value is something else, or looks like a list and cannot be read as one.
    """
    if isinstance(value, str):
        value = _unpacked(value.strip())
    if isinstance(value, list):
        return tuple(text for item in value for text in _of_item(item))
    return _of_item(value)


def _of_item(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        value = next((value[key] for key in _KEYS if key in value), value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (str(value),)
    if not isinstance(value, str):
        raise NoCaptionError(f"a caption must be a string or a number, got {value!r:.80}")
    if _SURROGATE.search(value):
        raise NoCaptionError(f"a caption must be valid Unicode, got {value!a:.80}")
    text = value.strip()
    try:
        check_caption(text)
    except TooLongError as error:
        raise NoCaptionError(str(error)) from error
    return () if text.lower() in _EMPTY else (text,)


def _unpacked(text: str) -> Any:
    """A string, or the list that it represents."""
    if _LIKE_AN_OBJECT.fullmatch(text):
        raise NoCaptionError(f"a caption must be text, and this is an object: {text!r:.80}")
    if not _looks_like_a_list(text):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    # Python would join 'a' 'b', which is NumPy's form of a list, into one string; so the pattern
    # requires the comma.
    if not _LIST.fullmatch(text):
        raise NoCaptionError(f"a caption looks like a list and cannot be read as one: {text!r:.80}")
    try:
        return [ast.literal_eval(item) for item in _ITEMS.findall(text)]
    except (ValueError, SyntaxError) as error:
        raise NoCaptionError(
            f"a caption looks like a list and cannot be read as one: {text!r:.80}"
        ) from error


def _looks_like_a_list(text: str) -> bool:
    """Whether a text in brackets has quotes or commas, or one in parentheses has strings alone."""
    inside = text[1:-1].strip()
    if text[:1] == "[":
        is_closed = text[-1] == "]" and ("," in inside or inside[:1] in ("", "[", "{"))
        return is_closed or inside[:1] in ("'", '"')
    return text[:1] == "(" and inside[:1] in ("'", '"') and bool(_LIST.fullmatch(text))
