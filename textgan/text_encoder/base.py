"""What every text encoder is."""

from abc import abstractmethod
from collections.abc import Iterable

from textgan.pretrained.part import Part
from textgan.types import TextFeatures


class TextEncoder(Part):
    """Captions -> TextFeatures of width `width`.

    A caption's features do not depend on the captions beside it in the batch.
    """

    width: int

    @property
    @abstractmethod
    def is_fitted(self) -> bool:
        """Whether captions can be encoded already, or `fit_tokenizer` must be called first."""

    @abstractmethod
    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        """Learn the vocabulary from captions."""

    @abstractmethod
    def check_lengths(self, captions: Iterable[str]) -> None:
        """One warning says how many of these captions are too long to be read whole."""

    @abstractmethod
    def forward(self, captions: list[str]) -> TextFeatures:
        """B captions -> their features, on the device of the weights."""

    @abstractmethod
    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        """For each caption and each of its words (tokens): its characters, from start to end.

        In the order of `TextFeatures.words`; (0, 0) where it stands for none, as a begin token.
        """
