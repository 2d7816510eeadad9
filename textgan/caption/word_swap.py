"""Captions with one word changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from textgan.seed import seed_from

_EDGE = ""


class WordSwap:
    """Replaces one word of a caption by a word that occurs between the same two words elsewhere.

    "a large red circle" becomes "a large blue circle" if some caption has "large blue circle". If
    no word can be replaced so, one is replaced by a word that follows the same word elsewhere; if
    that is impossible too, the caption is returned unchanged.

    Args:
        captions: from which the words and their neighbours are learnt.
        max_share: a word in a larger share of these captions is neither replaced nor inserted.
            Function words are frequent in every language, and replacing one makes a caption odd
            rather than wrong; but the main subjects of a data set are frequent too. 1 excludes no
            word.

    Raises:
        ValueError: `max_share` is not above 0 and at most 1.
    """

    def __init__(self, captions: Iterable[str], *, max_share: float = 1.0):
        if not 0 < max_share <= 1:
            raise ValueError(f"max_share must be above 0 and at most 1, got {max_share}")
        rows = [caption.lower().split() for caption in captions]
        counts = Counter(word for row in rows for word in set(row))
        self._spared = {word for word, n in counts.items() if n > max_share * len(rows)}
        between, after = defaultdict(set), defaultdict(set)
        for row in rows:
            words = [_EDGE, *row, _EDGE]
            for before, word, behind in zip(words, words[1:], words[2:], strict=False):
                if word not in self._spared:
                    between[before, behind].add(word)
                    after[before].add(word)
        self._between = {place: sorted(words) for place, words in between.items()}
        self._after = {before: sorted(words) for before, words in after.items()}

    def __call__(self, caption: str, *key: int) -> str:
        """Replace one word, chosen by the key alone; the new word is in small letters."""
        old, words = caption.lower().split(), caption.split()
        around = [_EDGE, *old, _EDGE]
        found = [self._between.get(sides, ()) for sides in zip(around, around[2:], strict=False)]
        open_places = self._open(old, found)
        if not open_places:
            found = [self._after.get(before, ()) for before in around[: len(old)]]
            open_places = self._open(old, found)
        if not open_places:
            return caption
        generator = np.random.default_rng(seed_from("edit", *key))
        place = open_places[generator.integers(len(open_places))]
        others = [word for word in found[place] if word != old[place]]
        words[place] = others[generator.integers(len(others))]
        return " ".join(words)

    def _open(self, old: Sequence[str], found: Sequence[Sequence[str]]) -> list[int]:
        """Return the positions of words that may be replaced by another of those found for them."""
        return [
            place
            for place, (word, others) in enumerate(zip(old, found, strict=True))
            if word not in self._spared and any(other != word for other in others)
        ]
