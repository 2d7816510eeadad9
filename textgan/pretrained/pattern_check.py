"""Regular expressions of a stranger's, refused where a caption could take hours to match."""

import re
from typing import Any

_LONGEST = 2000  # letters of a pattern; those of GPT-4o's tokenizer have 400
_MOST_REPEATS = 2  # without an upper bound, one after the other; GPT-4o's has two

_ESCAPE = re.compile(r"\\(?:[pP]\{[^}]*\}|.)", re.DOTALL)
_CLASS = re.compile(r"\[[^\]]*\]")
_REFERENCE = re.compile(r"\\(?:[1-9]|[kgG]\s*[<'{]|[KX])")
_HIDING = re.compile(r"\(\?(?:#|[a-zA-Z-]*x)")  # comments, which could hide a repeat
_REPEAT = re.compile(r"[*+]|\{\d*,\}|\{\d{3,}|\{\d*,\d{3,}")


def check_pattern(pattern: Any, where: str) -> None:
    """Refuse a pattern whose search may take more than about the square of a caption's length.

    A search that goes back ("backtracking") takes exponential time where a group that repeats
    something is itself repeated, as in `(a+)+`, and a power of the length that grows with each
    further repeat, as in `.*.*.*x`. The tokenizers of language models have neither.

    Args:
        pattern: in the syntax of Oniguruma; what is no string passes, as no pattern.
        where: its file, for the sentence.

    Raises:
        ValueError: a group is repeated, more than two repeats without a bound stand in one
            alternative, it refers to one of its groups, or it is very long.
    """
    if not isinstance(pattern, str):
        return
    said = f"{where} must have patterns that are matched in a short time, got {pattern!r:.80}"
    if len(pattern) > _LONGEST or _REFERENCE.search(pattern) or _HIDING.search(pattern):
        raise ValueError(said)
    plain = _CLASS.sub("x", _ESCAPE.sub("x", pattern))
    if re.search(r"\)\s*(?:[*+]|\{)", plain):
        raise ValueError(said)
    if any(len(_REPEAT.findall(part)) > _MOST_REPEATS for part in _alternatives(plain)):
        raise ValueError(said)


def _alternatives(pattern: str) -> list[str]:
    """What stands between the bars that are in no group."""
    parts, depth = [""], 0
    for letter in pattern:
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
