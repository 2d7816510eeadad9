"""A bidirectional transformer over a caption's tokens, from scratch or pretrained."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from textgan.caption.tokenizer import Tokenizer
from textgan.layer import AttentionPool, BidirectionalGRU
from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.cache import CaptionCache
from textgan.text_encoder.source import (
    architecture_of,
    empty_tokenizer,
    from_scratch,
    load,
    untrained,
)
from textgan.types import TextFeatures


class BertTextEncoder(TextEncoder):
    """BERT (Devlin et al. 2018) in transformers' own class, with a projection on top.

    From scratch it is small and reads a byte-level BPE that `fit_tokenizer` learns. `pretrained`
    names any encoder of transformers with its own tokenizer; then `hidden_width`, `depth`,
    `num_heads`, `vocab_size` and `lowercase` are not used. The pooled feature is an average of the
    words, projected: at first their mean (as in Sentence-BERT, Reimers and Gurevych 2019), then
    what a few learned questions look for.

    From scratch, a word is the transformer's output, plus the embedding that went in, plus what a
    recurrent net reads in the embeddings from both sides. A transformer with its normalisation
    behind each branch takes thousands of captions until it tells two words apart, and tens of
    thousands until "a circle left of a square" is not "a square left of a circle"; meanwhile z
    learns to say what the caption says, and the caption is never read.

    Args:
        width: of the features handed out.
        hidden_width: of the transformer; None means `width`.
        depth: number of layers.
        num_heads: attention heads of a layer.
        vocab_size: rows of the embedding table, and the largest number of tokens.
        max_length: largest number of tokens of a caption, begin and end included; the rest is cut.
        lowercase: whether capitals are read as small letters.
        dropout: probability, in the transformer.
        pretrained: folder, or name on the Hugging Face Hub, of a model and a tokenizer, or
            `package:NAME/FOLDER`, a folder inside an installed package; None means from scratch.
        frozen: whether the transformer stays as it is, and only the projection trains. It is then
            computed without autocast, and once for each caption.
        architecture: a configuration of transformers; what `save_pretrained` writes in place of
            `pretrained`, so that its folder needs no other.
        cache_megabytes: of a frozen transformer's states that are kept at most; 0 keeps none.
    """

    def __init__(
        self,
        *,
        width: int = 128,
        hidden_width: int | None = None,
        depth: int = 2,
        num_heads: int = 4,
        vocab_size: int = 4096,
        max_length: int = 64,
        lowercase: bool = True,
        dropout: float = 0.0,
        pretrained: str | None = None,
        frozen: bool = False,
        architecture: dict[str, Any] | None = None,
        cache_megabytes: int = 256,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        if pretrained is not None and architecture is not None:
            raise ValueError("pretrained must be None where architecture is given")
        if pretrained is not None:
            self.bert, self.tokenizer = load(pretrained, max_length)
        elif architecture is not None:
            self.bert = untrained(architecture)
            self.tokenizer = empty_tokenizer(self.bert, max_length)
        else:
            self.tokenizer = Tokenizer(vocab_size, max_length, lowercase=lowercase)
            sizes = vocab_size, max_length, hidden_width or width, depth, num_heads
            self.bert = from_scratch(*sizes)
        for module in self.bert.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        hidden_width = self.bert.config.hidden_size
        self.width = width
        self.frozen = frozen
        self._pretrained = pretrained
        self.words = nn.Identity() if width == hidden_width else _linear(hidden_width, width)
        questions = self.bert.config.num_attention_heads
        self.pooled = AttentionPool(hidden_width, width, num_queries=questions)
        is_new = pretrained is None and architecture is None
        self.order = BidirectionalGRU(hidden_width) if is_new else None
        for net in self._read_by() if frozen else ():
            net.requires_grad_(False)
        self.cache = CaptionCache(cache_megabytes)
        self.train()

    @property
    def is_fitted(self) -> bool:
        return self.tokenizer.is_fitted

    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        """Learn the vocabulary from captions; the tokenizer of a pretrained encoder is its own."""
        if self.saved_arguments()["architecture"] is not None:
            raise ValueError("fit_tokenizer must not be called where the encoder is pretrained")
        self.tokenizer.fit(captions)
        self.cache.clear()

    def check_lengths(self, captions: Iterable[str]) -> None:
        self.tokenizer.check_lengths(captions)

    def spans(self, captions: list[str]) -> list[list[tuple[int, int]]]:
        return self.tokenizer.spans(captions)

    def forward(self, captions: list[str]) -> TextFeatures:
        if self.frozen:
            weights = (weight for net in self._read_by() for weight in net.parameters())
            hidden, mask = self.cache.get_or_compute(captions, self._read, weights=weights)
        else:
            hidden, mask = self._read(captions)
        return self._features(hidden, mask)

    def from_tokens(self, token_ids: Tensor, mask: Tensor) -> TextFeatures:
        """Token ids (B, L), mask (B, L) True at real ones -> the features, kept in no cache."""
        return self._features(self._hidden(token_ids, mask), mask)

    def _features(self, hidden: Tensor, mask: Tensor) -> TextFeatures:
        words = self.words(hidden) * mask[..., None].to(hidden.dtype)  # (B, L, width)
        return TextFeatures(words, mask, self.pooled(hidden, mask))

    def _read_by(self) -> list[nn.Module]:
        """What makes hidden states of tokens."""
        return [self.bert, *([] if self.order is None else [self.order])]

    def _read(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """B captions -> hidden states (B, L, hidden) and mask (B, L)."""
        token_ids, mask = (t.to(self.bert.device) for t in self.tokenizer(captions))  # (B, L)
        return self._hidden(token_ids, mask), mask

    def _hidden(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        if self.order is None:
            return self.bert(token_ids, attention_mask=mask).last_hidden_state  # (B, L, hidden)
        if self.training:  # in one pass, so that both have the same dropout
            states = self.bert(token_ids, attention_mask=mask, output_hidden_states=True)
            hidden, embeddings = states.last_hidden_state, states.hidden_states[0]
        else:
            # Not `output_hidden_states`: some versions of transformers then exchange the layers'
            # methods for the time of the call, and threads would get each other's states.
            hidden = self.bert(token_ids, attention_mask=mask).last_hidden_state
            embeddings = self.bert.embeddings(token_ids)
        return hidden + embeddings + self.order(embeddings, mask)

    def train(self, mode: bool = True) -> "BertTextEncoder":
        super().train(mode)
        if self.frozen:
            self.bert.eval()
        return self

    def saved_arguments(self) -> dict[str, Any]:
        """The arguments, with the architecture itself instead of where the weights came from."""
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


def _linear(in_width: int, out_width: int) -> nn.Linear:
    """A linear layer that keeps the variance of features of unit variance."""
    linear = nn.Linear(in_width, out_width)
    nn.init.normal_(linear.weight, std=in_width**-0.5)
    nn.init.zeros_(linear.bias)
    return linear
