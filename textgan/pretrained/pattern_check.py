"""Refuse an untrusted regular expression that could take hours to match a caption."""

import re
from typing import Any

_LONGEST = 2000  # characters of a pattern; those of GPT-4o's tokenizer have 400
_MOST_REPEATS = 2  # repeats without an upper bound in one alternative; GPT-4o's has two

_ESCAPE = re.compile(r"\\(?:[pP]\{[^}]*\}|.)", re.DOTALL)
_CLASS = re.compile(r"\[[^\]]*\]")
_REFERENCE = re.compile(r"\\(?:[1-9]|[kgG]\s*[<'{]|[KX])")
_COMMENT = re.compile(r"\(\?(?:#|[a-zA-Z-]*x)")  # could hide a repeat
_REPEAT = re.compile(r"[*+]|\{\d*,\}|\{\d{3,}|\{\d*,\d{3,}")


def check_pattern(pattern: Any, where: str) -> None:
    """Refuse a pattern whose search may take longer than the square of a caption's length.

    A backtracking search takes exponential time if a group that repeats something is itself
    repeated, as in `(a+)+`, and a power of the length that grows with each further repeat, as in
    `.*.*.*x`. The tokenizers of language models have neither. The pattern has the syntax of
    Oniguruma; a value that is no string is no pattern, and passes.

    Raises:
        ValueError: a group is repeated, one alternative has more than two repeats without a bound,
            the pattern refers to one of its groups, has a comment, or is very long.
    """
    if not isinstance(pattern, str):
        return
    plain = _CLASS.sub("x", _ESCAPE.sub("x", pattern[:_LONGEST]))
    if (
        len(pattern) > _LONGEST
        or _REFERENCE.search(pattern)
        or _COMMENT.search(pattern)
        or re.search(r"\)\s*(?:[*+]|\{)", plain)
        or any(len(_REPEAT.findall(part)) > _MOST_REPEATS for part in _alternatives(plain))
    ):
        rule = f"{where} must have patterns that are matched in a short time"
        raise ValueError(f"{rule}, got {pattern!r:.80}")


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern at the bars that are outside of all groups."""
    parts, depth = [""], 0
    for letter in pattern:
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
