"""A trained text encoder that is not trained any further."""

from collections.abc import Iterable

import torch
from torch import Tensor

from textgan.caption.tokenizer import Tokenizer
from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.cache import CaptionCache
from textgan.types import TextFeatures


class FrozenTextEncoder(TextEncoder):
    """Freezes a text encoder, its projection included, and keeps the features of each caption.

    The weights go into checkpoints and saved pipelines, which therefore need no other folder.

    Args:
        encoder: is frozen itself, not a copy of it, and keeps no cache of its own any more.
        cache_megabytes: 10^6 bytes of features to keep at most, on the device of the weights; 0
            keeps none.
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

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the encoder inside."""
        return self.encoder.tokenizer

    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        """Refuse: a frozen encoder could not learn the meaning of new tokens.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "fit_tokenizer must not be called where the text encoder is frozen: it has a "
            "vocabulary, or was never trained"
        )

    def check_lengths(self, captions: Iterable[str]) -> None:
        self.encoder.check_lengths(captions)

    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        return self.encoder.spans(captions)

    def from_tokens(self, token_ids: Tensor, mask: Tensor) -> TextFeatures:
        return self.encoder.from_tokens(token_ids, mask)

    def forward(self, captions: list[str]) -> TextFeatures:
        """B captions -> their features, without gradients.

        Raises:
            ValueError: the encoder inside has no vocabulary.
        """
        if not self.is_fitted:
            raise ValueError("encoder must have been trained, but it has no vocabulary")
        weights = self.encoder.parameters()
        states, mask = self.cache.get_or_compute(captions, self._packed, weights=weights)
        pooled, words = states[:, 0].contiguous(), states[:, 1:].contiguous()  # (B, D), (B, L, D)
        return TextFeatures(words, mask[:, 1:].contiguous(), pooled)

    def read_ahead(self, captions: Iterable[str], *, shown: bool = True) -> None:
        weights = self.encoder.parameters()
        self.cache.fill(captions, self._packed, weights=weights, shown=shown)

    def _packed(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """The pooled feature as one more word before the others: (B, 1 + L, D), mask (B, 1 + L)."""
        text = self.encoder(captions)
        first = text.mask.new_ones(len(text), 1)
        states = torch.cat([text.pooled[:, None], text.words], 1)
        return states, torch.cat([first, text.mask], 1)

    def train(self, mode: bool = True) -> "FrozenTextEncoder":
        """Stay in eval mode."""
        return super().train(False)

    def frozen_hash(self) -> str:
        return self.encoder.frozen_hash()
