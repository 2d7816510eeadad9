"""Captions with one word changed."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from textgan.seed import seed_from

_EDGE = ""


class WordSwap:
    """Puts another word in the place of one, that stands between the same two words elsewhere.

    "a large red circle" becomes "a large blue circle" where some caption has "large blue circle".
    Of a caption without such a place, a word is replaced by one that follows the same word
    elsewhere; failing that, the caption stays.

    Args:
        captions: where words are learnt from.
    """

    def __init__(self, captions: Iterable[str]):
        between, after = defaultdict(set), defaultdict(set)
        for caption in captions:
            words = [_EDGE, *caption.lower().split(), _EDGE]
            for before, word, behind in zip(words, words[1:], words[2:], strict=False):
                between[before, behind].add(word)
                after[before].add(word)
        self._between = {place: sorted(words) for place, words in between.items()}
        self._after = {before: sorted(words) for before, words in after.items()}

    def __call__(self, caption: str, *key: int) -> str:
        """The caption with a word changed; which one and to what depend on the key alone."""
        words = caption.split()
        around = [_EDGE, *caption.lower().split(), _EDGE]
        places = [
            self._others(self._between.get((around[i], around[i + 2]), []), around[i + 1])
            for i in range(len(words))
        ]
        if not any(places):
            places = [
                self._others(self._after.get(around[i], []), around[i + 1])
                for i in range(len(words))
            ]
        open_places = [place for place, others in enumerate(places) if others]
        if not open_places:
            return caption
        generator = np.random.default_rng(seed_from("edit", *key))
        place = open_places[generator.integers(len(open_places))]
        words[place] = places[place][generator.integers(len(places[place]))]
        return " ".join(words)

    @staticmethod
    def _others(words: list[str], word: str) -> list[str]:
        return [other for other in words if other != word]
