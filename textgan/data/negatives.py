"""Captions that are nearly right for an image, and wrong."""

import string
from collections.abc import Sequence

from textgan.caption.word_swap import WordSwap
from textgan.seed import seed_from

_MAX_SHARE = 0.1
_ATTEMPTS = 8


class Negatives:
    """Changes one word of an image's caption, or failing that takes another image's caption.

    The word is one that stands in at most a tenth of the captions, and so is the one in its place
    (`WordSwap`). No negative is one of the image's own captions, whatever the case, the spaces
    and the punctuation round words. It may be true of the image all the same: a word may give way
    to another name of the same thing, or to something else that the image shows.

    Args:
        captions: training captions, which words and whole captions are taken from.
    """

    def __init__(self, captions: Sequence[str]):
        self._swap = WordSwap(captions, max_share=_MAX_SHARE)
        self._captions = list({_bare(caption): caption for caption in captions}.items())

    def __call__(self, caption: str, own: Sequence[str], *key: int) -> str:
        """A negative of `caption`; which one depends on the key alone.

        Args:
            caption: one of the image's own.
            own: all of them.
            key: numbers, such as a seed and a position in the stream.

        Raises:
            ValueError: all training captions are the image's own.
        """
        true = {_bare(text) for text in own}
        for attempt in range(_ATTEMPTS):
            edited = self._swap(caption, *key, attempt)
            if _bare(edited) not in true:
                return edited
        other = self._of_others(true, seed_from("negative", *key))
        if other is None:
            raise ValueError(f"negatives must differ from an image's own captions, got {own!r}")
        return other

    def exist_for(self, own: Sequence[str]) -> bool:
        """Whether a training caption is none of an image's own."""
        if len(own) < len(self._captions):
            return True
        return self._of_others({_bare(text) for text in own}, 0) is not None

    def _of_others(self, true: set[str], start: int) -> str | None:
        """The first training caption from place `start` on, and round, that is not among these."""
        size = len(self._captions)
        for step in range(size):
            bare, caption = self._captions[(start + step) % size]
            if bare not in true:
                return caption
        return None


def _bare(caption: str) -> str:
    """The caption in small letters, without punctuation round words that are more than that."""
    words = caption.casefold().split()
    return " ".join(word.strip(string.punctuation) or word for word in words)
