"""A text encoder that was trained before, and stays as it is."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.cache import CaptionCache
from textgan.types import TextFeatures


class FrozenTextEncoder(TextEncoder):
    """A trained text encoder of which nothing trains any more, not even the projection on top.

    So its features are a caption's for good, and are kept whole: a caption is read once. Its
    weights go into checkpoints and saved pipelines, which therefore draw without the folder that it
    came from.

    Args:
        encoder: what reads the captions. It is frozen as it is, not a copy, and keeps no cache of
            its own any more.
        cache_megabytes: features that are kept at most, on the device of the weights; 0 keeps none.
    """

    def __init__(self, encoder: TextEncoder, *, cache_megabytes: int = 256) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.width = encoder.width
        for module in encoder.modules():
            if isinstance(module, CaptionCache):  # it would hold everything a second time
                module.megabytes = 0
                module.clear()
        self.cache = CaptionCache(cache_megabytes)
        self.train()

    @property
    def is_fitted(self) -> bool:
        return self.encoder.is_fitted

    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        """Refused.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "fit_tokenizer must not be called where the text encoder is frozen: it brings its own "
            "vocabulary, or was never trained"
        )

    def check_lengths(self, captions: Iterable[str]) -> None:
        self.encoder.check_lengths(captions)

    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        return self.encoder.spans(captions)

    def forward(self, captions: list[str]) -> TextFeatures:
        """As the base says, without gradients.

        Raises:
            ValueError: the encoder inside has no vocabulary.
        """
        if not self.is_fitted:
            raise ValueError("encoder must have been trained, but it has no vocabulary")
        weights = self.encoder.parameters()
        states, mask = self.cache.get_or_compute(captions, self._read, weights=weights)
        pooled, words = states[:, 0].contiguous(), states[:, 1:].contiguous()  # (B, D), (B, L, D)
        return TextFeatures(words, mask[:, 1:].contiguous(), pooled)

    def _read(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """The pooled feature as a word before the others: (B, 1 + L, D), mask (B, 1 + L)."""
        text = self.encoder(captions)
        first = text.mask.new_ones(len(text), 1)
        states = torch.cat([text.pooled[:, None], text.words], 1)
        return states, torch.cat([first, text.mask], 1)

    def train(self, mode: bool = True) -> "FrozenTextEncoder":
        """Stays in eval mode."""
        return super().train(False)

    def frozen_prefixes(self) -> tuple[str, ...]:
        return tuple(f"encoder.{prefix}" for prefix in self.encoder.frozen_prefixes())

    def frozen_hash(self) -> str:
        return self.encoder.frozen_hash()

    def referring_config(self) -> dict[str, Any]:
        return self.config() | {"encoder": self.encoder.referring_config()}
