"""Features of prompts with weighted words, such as "a (red:1.5) circle"."""

from torch import Tensor

from textgan.caption.prompt import Prompt, parse
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures


def encode(encoder: TextEncoder, captions: list[str]) -> TextFeatures:
    """Encode B captions, some with weighted words.

    A word of weight w moves the features to (1 - w) * f(caption without the word) + w * f(caption).
    So weight 1 changes nothing, weight 0 removes the word, and a larger weight exaggerates its
    effect. The features of the word's own tokens, which the caption without it lacks, are
    multiplied by min(w, 1).
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
            own = set(token_indices(spans[row], start, end))
            rest = [i for i in range(len(spans[row])) if i not in own]
            if len(rest) == len(without_words):  # otherwise the other words are split differently
                words[row, rest] += (weight - 1) * (text.words[row, rest] - without_words)
            words[row, sorted(own)] *= min(weight, 1)
    return TextFeatures(words, text.mask, pooled)


def _without(prompt: Prompt, at: tuple[int, int, float]) -> str:
    start, end, _ = at
    return " ".join((prompt.text[:start] + prompt.text[end:]).split())


def _rows(text: TextFeatures) -> list[tuple[Tensor, Tensor]]:
    """The words without padding (L, D), and the pooled feature (D,), of each caption."""
    return [
        (words[mask], pooled)
        for words, mask, pooled in zip(text.words, text.mask, text.pooled, strict=True)
    ]


def token_indices(spans: list[tuple[int, int]], start: int, end: int) -> list[int]:
    """The indices of the spans that overlap the characters from start to end."""
    return [i for i, (a, b) in enumerate(spans) if a < end and b > start]
