"""Features of prompts in which words have weights: "a (red:1.5) circle"."""

from torch import Tensor

from textgan.caption.prompt import Prompt, parse
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures


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
    shorter = {_without(prompt, at): None for prompt in prompts for at in prompt.weights}
    others = dict(zip(shorter, _rows(encoder(list(shorter))), strict=True))
    spans = encoder.spans([prompt.text for prompt in prompts])
    words, pooled = text.words.clone(), text.pooled.clone()
    for row, prompt in enumerate(prompts):
        for at in prompt.weights:
            start, end, weight = at
            without_words, without_pooled = others[_without(prompt, at)]
            pooled[row] += (weight - 1) * (text.pooled[row] - without_pooled)
            own = set(places(spans[row], start, end))
            rest = [place for place in range(len(spans[row])) if place not in own]
            if len(rest) == len(without_words):  # else taking the word out split others anew
                words[row, rest] += (weight - 1) * (text.words[row, rest] - without_words)
            words[row, sorted(own)] *= min(weight, 1)
    return TextFeatures(words, text.mask, pooled)


def _without(prompt: Prompt, at: tuple[int, int, float]) -> str:
    start, end, _ = at
    return " ".join((prompt.text[:start] + prompt.text[end:]).split())


def _rows(text: TextFeatures) -> list[tuple[Tensor, Tensor]]:
    """Words without padding (L, D), and pooled feature (D,), of each caption."""
    return [
        (words[mask], pooled)
        for words, mask, pooled in zip(text.words, text.mask, text.pooled, strict=True)
    ]


def places(spans: list[tuple[int, int]], start: int, end: int) -> list[int]:
    """Which tokens have characters from start to end, of those at `spans`."""
    return [place for place, (a, b) in enumerate(spans) if a < end and b > start]
