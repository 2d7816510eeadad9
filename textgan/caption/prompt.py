"""Prompts with weighted words, "a (red:1.5) circle". Nothing here imports torch."""

import re
from dataclasses import dataclass

from textgan.caption.text import check_caption

# The words have a letter, and no digit right before the colon: "(at 12:30)" is text.
_WEIGHTED = re.compile(r"\(([^():]*[^\W\d_][^():]*)(?<![0-9]):\s*([0-9]+(?:\.[0-9]+)?)\s*\)")
_GREATEST, _MOST = 10, 16


@dataclass(frozen=True)
class Prompt:
    """A caption without its weights, and (start, end, weight) of its weighted characters."""

    text: str
    weights: tuple[tuple[int, int, float], ...] = ()


def parse(caption: str) -> Prompt:
    """`"a (red:1.5) circle"` -> "a red circle", whose "red" has the weight 1.5.

    Words, a colon and a number in parentheses are a weight, unless a digit is before the colon.

    Raises:
        ValueError: the caption has more than 10,000 characters, a weight above 10, or more than 16
            weights.
    """
    check_caption(caption)
    text, weights, end = "", [], 0
    for found in _WEIGHTED.finditer(caption):
        weight = float(found[2])
        if weight > _GREATEST:
            raise ValueError(f"a word's weight must be in [0, {_GREATEST}], got {found[0]!r:.80}")
        text += caption[end : found.start()]
        weights.append((len(text), len(text) + len(found[1]), weight))
        text, end = text + found[1], found.end()
    if len(weights) > _MOST:
        raise ValueError(f"a caption must have at most {_MOST} weights, got {len(weights)}")
    return Prompt(text + caption[end:], tuple(weights))
