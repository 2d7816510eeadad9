"""The common part of text encoders that are a transformer over tokens."""

from collections.abc import Iterable

from torch import Tensor, nn

from textgan.caption.tokenizer import Tokenizer
from textgan.layer import AttentionPool, MeanPool, projection
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures


class TokenTextEncoder(TextEncoder):
    """Tokenizer, transformer and a projection to the width of the features.

    The pooled feature is a weighted mean of the transformer's states, projected. The weights are
    equal at first (as in Sentence-BERT, Reimers and Gurevych 2019); a few learned queries change
    them. With `projection_width` the weights stay equal, and the projection has two layers.

    Args:
        bert: encoder of transformers.
        tokenizer: captions -> ids of `bert`'s embedding table.
        width: of the features.
        dropout: probability, in the transformer.
        projection_width: width of the hidden layer on the pooled feature; None has no such layer.
        projection_dropout: probability, on the pooled states and on the hidden layer.
    """

    def __init__(
        self,
        bert: nn.Module,
        tokenizer: Tokenizer,
        *,
        width: int,
        dropout: float,
        projection_width: int | None = None,
        projection_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        for module in bert.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        self.width = width
        self.bert = bert
        self.tokenizer = tokenizer
        hidden_width, num_heads = bert.config.hidden_size, bert.config.num_attention_heads
        self.words = nn.Identity() if width == hidden_width else _linear(hidden_width, width)
        if projection_width is None:
            self.pooled = AttentionPool(hidden_width, width, num_queries=num_heads)
            self.projected = nn.Identity()
        else:
            self.pooled = MeanPool()
            self.projected = projection(
                hidden_width, width, hidden_width=projection_width, dropout=projection_dropout
            )

    @property
    def is_fitted(self) -> bool:
        return self.tokenizer.is_fitted

    def check_lengths(self, captions: Iterable[str]) -> None:
        self.tokenizer.check_lengths(captions)

    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        return self.tokenizer.spans(captions)

    def forward(self, captions: list[str]) -> TextFeatures:
        return self.project(*self.states_of(captions))

    def from_tokens(self, token_ids: Tensor, mask: Tensor) -> TextFeatures:
        return self.project(self.states(token_ids, mask), mask)

    def states(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids (B, L), mask (B, L) -> the states of the transformer (B, L, hidden)."""
        return self.bert(token_ids, attention_mask=mask).last_hidden_state

    def states_of(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """B captions -> states (B, L, hidden) and mask (B, L)."""
        token_ids, mask = (t.to(self.bert.device) for t in self.tokenizer(captions))  # (B, L)
        return self.states(token_ids, mask), mask

    def project(self, states: Tensor, mask: Tensor) -> TextFeatures:
        """States (B, L, hidden), mask (B, L) -> the features."""
        words = self.words(states) * mask[..., None].to(states.dtype)  # (B, L, width)
        return TextFeatures(words, mask, self.projected(self.pooled(states, mask)))


def _linear(in_width: int, out_width: int) -> nn.Linear:
    """A linear layer that keeps the variance of features of unit variance."""
    linear = nn.Linear(in_width, out_width)
    nn.init.normal_(linear.weight, std=in_width**-0.5)
    nn.init.zeros_(linear.bias)
    return linear
