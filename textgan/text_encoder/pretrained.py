"""A pretrained encoder of transformers with a projection on top."""

from collections.abc import Iterable
from typing import Any

from textgan.pretrained.frozen import weights_hash
from textgan.text_encoder.cache import CaptionCache
from textgan.text_encoder.source import architecture_of, empty_tokenizer, load, untrained
from textgan.text_encoder.token import TokenTextEncoder
from textgan.types import TextFeatures


class PretrainedTextEncoder(TokenTextEncoder):
    """Any encoder of transformers, with its own tokenizer.

    Exactly one of `pretrained` and `architecture` is given.

    Args:
        pretrained: folder, or name on the Hugging Face Hub, of a model and a tokenizer, or
            `package:NAME/FOLDER`, a folder inside an installed package.
        width: of the features.
        max_length: largest number of tokens of a caption, begin and end included; the rest is cut.
        dropout: probability, in the transformer; a frozen one has none.
        frozen: whether only the projection is trained. The states of the transformer are then
            computed without autocast, and kept in a cache.
        architecture: configuration of transformers. `save_pretrained` writes it instead of
            `pretrained`, so that the saved folder needs no other. The weights are random, and there
            is no vocabulary, until a state dict is loaded.
        cache_megabytes: 10^6 bytes of a frozen transformer's states to keep at most; 0 keeps none.
        projection_width: width of the hidden layer on the pooled feature; None has no such layer.
        projection_dropout: probability, on the pooled states and on the hidden layer.
    """

    def __init__(
        self,
        *,
        pretrained: str | None = None,
        width: int = 128,
        max_length: int = 64,
        dropout: float = 0.0,
        frozen: bool = False,
        architecture: dict[str, Any] | None = None,
        cache_megabytes: int = 256,
        projection_width: int | None = None,
        projection_dropout: float = 0.0,
    ) -> None:
        if (pretrained is None) == (architecture is None):
            got = "neither" if pretrained is None else "both"
            raise ValueError(f"one of pretrained and architecture must be given, got {got}")
        if frozen and dropout:
            raise ValueError(f"dropout must be 0 where frozen is true, got {dropout}")
        if pretrained is not None:
            bert, tokenizer = load(pretrained, max_length)
        else:
            bert = untrained(architecture)
            tokenizer = empty_tokenizer(bert, max_length)
        super().__init__(
            bert,
            tokenizer,
            width=width,
            dropout=dropout,
            projection_width=projection_width,
            projection_dropout=projection_dropout,
        )
        self.frozen = frozen
        self._pretrained = pretrained
        if frozen:
            self.bert.requires_grad_(False)
        self.cache = CaptionCache(cache_megabytes)
        self.train()

    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        """Refuse: the vocabulary belongs to the pretrained weights.

        Raises:
            ValueError: always.
        """
        raise ValueError("fit_tokenizer must not be called where the encoder is pretrained")

    def forward(self, captions: list[str]) -> TextFeatures:
        if not self.frozen:
            return super().forward(captions)
        weights = self.bert.parameters()
        return self.project(*self.cache.get_or_compute(captions, self.states_of, weights=weights))

    def read_ahead(self, captions: Iterable[str], *, shown: bool = True) -> None:
        if self.frozen:
            weights = self.bert.parameters()
            self.cache.fill(captions, self.states_of, weights=weights, shown=shown)

    def lineage(self) -> frozenset[str]:
        """The hash of a frozen transformer, which other encoders may have too; else none."""
        return frozenset({weights_hash(self.bert)}) if self.frozen else frozenset()

    def train(self, mode: bool = True) -> "PretrainedTextEncoder":
        """Set the mode; a frozen transformer stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.bert.eval()
        return self

    def saved_arguments(self) -> dict[str, Any]:
        """Return the arguments, with the architecture in the place of `pretrained`."""
        arguments = super().saved_arguments()
        if self._pretrained is None:
            return arguments
        return arguments | {"pretrained": None, "architecture": architecture_of(self.bert)}

    def referring_config(self) -> dict[str, Any]:
        if self._pretrained is None:
            return self.config()
        return self.config() | {"pretrained": self._pretrained, "architecture": None}

    def frozen_prefixes(self) -> tuple[str, ...]:
        return ("bert.",) if self.frozen and self._pretrained is not None else ()
