"""Negatives: captions that are nearly right for an image, and wrong."""

import string
from collections.abc import Sequence

from textgan.caption.word_swap import WordSwap
from textgan.seed import seed_from

_MAX_SHARE = 0.1
_ATTEMPTS = 8


class Negatives:
    """Changes one word of an image's caption, or else takes the caption of another image.

    The word, and the one that replaces it, occur in at most a tenth of the captions (`WordSwap`).
    No negative equals one of the image's own captions, apart from case, spaces and punctuation
    around words. It may be true of the image all the same: a word may be replaced by another name
    of the same thing, or by something else in the image.

    Args:
        captions: training captions, the source of words and whole captions.
    """

    def __init__(self, captions: Sequence[str]):
        self._swap = WordSwap(captions, max_share=_MAX_SHARE)
        self._captions = list({_bare(caption): caption for caption in captions}.items())

    def __call__(self, caption: str, own: Sequence[str], *key: int) -> str:
        """A negative of `caption`, which follows from the key alone.

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
        """Whether some training caption is not one of the image's own."""
        if len(own) < len(self._captions):
            return True
        return self._of_others({_bare(text) for text in own}, 0) is not None

    def _of_others(self, true: set[str], start: int) -> str | None:
        """The first training caption, cyclically from index `start` on, that is not among these."""
        size = len(self._captions)
        for step in range(size):
            bare, caption = self._captions[(start + step) % size]
            if bare not in true:
                return caption
        return None


def _bare(caption: str) -> str:
    """The caption in small letters, without punctuation around words; pure punctuation stays."""
    words = caption.casefold().split()
    return " ".join(word.strip(string.punctuation) or word for word in words)
