"""Words of a caption that count for more or for less: "a (red:1.5) circle"."""

import re
from dataclasses import dataclass

from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures

_WEIGHTED = re.compile(r"\(([^():]+):\s*(-?\d+(?:\.\d+)?)\s*\)")
_GREATEST = 10


@dataclass(frozen=True)
class Prompt:
    """A caption without its weights; which of its characters, from start to end, have which."""

    text: str
    weights: tuple[tuple[int, int, float], ...] = ()


def parse(caption: str) -> Prompt:
    """`"a (red:1.5) circle"` -> "a red circle", whose "red" has the weight 1.5.

    Only a colon and a number before the closing parenthesis make a weight; other parentheses are
    text.

    Raises:
        ValueError: a weight is negative, or above 10.
    """
    text, weights, end = "", [], 0
    for found in _WEIGHTED.finditer(caption):
        weight = float(found[2])
        if not 0 <= weight <= _GREATEST:
            raise ValueError(f"a word's weight must be in [0, {_GREATEST}], got {found[0]!r}")
        text += caption[end : found.start()]
        weights.append((len(text), len(text) + len(found[1]), weight))
        text, end = text + found[1], found.end()
    return Prompt(text + caption[end:], tuple(weights))


def encode(encoder: TextEncoder, captions: list[str]) -> TextFeatures:
    """B captions, some with weights -> their features.

    A word of weight w takes the features of the caption to (1 - w) * without the word + w * with
    it: at 1 the caption is as it was, at 0 the word is not there, beyond 1 what it adds is
    exaggerated. Its own place, which the caption without it lacks, fades below 1 and stays as it is
    beyond.
    """
    prompts = [parse(caption) for caption in captions]
    text = encoder([prompt.text for prompt in prompts])
    if not any(prompt.weights for prompt in prompts):
        return text
    words, pooled = text.words.clone(), text.pooled.clone()
    spans = encoder.spans([prompt.text for prompt in prompts])
    for row, prompt in enumerate(prompts):
        for start, end, weight in prompt.weights:
            without = encoder([" ".join((prompt.text[:start] + prompt.text[end:]).split())])
            pooled[row] += (weight - 1) * (text.pooled[row] - without.pooled[0])
            own = set(places(spans[row], start, end))
            others = [place for place in range(len(spans[row])) if place not in own]
            if len(others) == without.mask.sum():  # else taking the word out split others anew
                added = text.words[row, others] - without.words[0]  # (L - own, D)
                words[row, others] += (weight - 1) * added
            words[row, sorted(own)] *= min(weight, 1)
    return TextFeatures(words, text.mask, pooled)


def places(spans: list[tuple[int, int]], start: int, end: int) -> list[int]:
    """Which tokens have characters from start to end, of those at `spans`."""
    return [place for place, (a, b) in enumerate(spans) if a < end and b > start]
