"""The contract of text encoders."""

from abc import abstractmethod
from collections.abc import Iterable

from torch import Tensor

from textgan.caption.tokenizer import Tokenizer
from textgan.pretrained.part import Part
from textgan.types import TextFeatures


class TextEncoder(Part):
    """Captions -> TextFeatures of width `width`.

    The features of a caption do not depend on the other captions of the batch.

    Attributes:
        width: of the features.
        tokenizer: captions -> token ids, where the encoder is computed from token ids; absent from
            other encoders.
    """

    width: int
    tokenizer: Tokenizer

    @property
    @abstractmethod
    def is_fitted(self) -> bool:
        """Whether the encoder has a vocabulary; without one, `fit_tokenizer` must be called."""

    @abstractmethod
    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        """Learn the vocabulary from captions."""

    @abstractmethod
    def check_lengths(self, captions: Iterable[str]) -> None:
        """Give one warning with the number of captions that are longer than the encoder reads."""

    @abstractmethod
    def forward(self, captions: list[str]) -> TextFeatures:
        """B captions -> their features, on the device of the weights."""

    def read_ahead(self, captions: Iterable[str], *, shown: bool = True) -> None:
        """Compute what is kept of these captions, if anything is.

        Args:
            captions: equal ones are computed once.
            shown: whether a progress bar is shown.
        """

    def from_tokens(self, token_ids: Tensor, mask: Tensor) -> TextFeatures:
        """Compute the features of token ids, without a cache.

        Args:
            token_ids: (B, L) int64.
            mask: (B, L) bool, True at tokens and False at padding.

        Raises:
            TypeError: the encoder is not computed from token ids.
        """
        raise TypeError(f"{type(self).__name__} cannot compute features from token ids")

    @abstractmethod
    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        """Return, for each word (token) of each caption, the (start, end) of its characters.

        The words are in the order of `TextFeatures.words`; (0, 0) belongs to a word without
        characters, such as a begin token.
        """
