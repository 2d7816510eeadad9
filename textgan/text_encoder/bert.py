"""A small bidirectional transformer that is trained from scratch."""

from collections.abc import Iterable

import transformers
from torch import Tensor, nn

from textgan.caption.tokenizer import Tokenizer
from textgan.layer import BidirectionalGRU
from textgan.text_encoder.token import TokenTextEncoder


class BertTextEncoder(TokenTextEncoder):
    """BERT (Devlin et al. 2018) from scratch, over a byte-level BPE that `fit_tokenizer` learns.

    The state of a word is the sum of the transformer's output, of the embedding that the
    transformer starts from, and of the output of a bidirectional recurrent net over the embeddings.
    The reason: a transformer with post-normalisation needs thousands of captions until it
    distinguishes two words, and tens of thousands until it distinguishes "a circle left of a
    square" from "a square left of a circle". Meanwhile the posterior would encode in z what the
    caption says, and the generator would learn to ignore the caption.

    Args:
        width: of the features.
        hidden_width: of the transformer; None means `width`.
        depth: number of layers.
        num_heads: attention heads of a layer.
        vocab_size: rows of the embedding table, and the largest number of tokens.
        max_length: largest number of tokens of a caption, begin and end included; the rest is cut.
        lowercase: whether capitals are read as small letters.
        dropout: probability, in the transformer.
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
    ) -> None:
        tokenizer = Tokenizer(vocab_size, max_length, lowercase=lowercase)
        bert = _transformer(vocab_size, max_length, hidden_width or width, depth, num_heads)
        super().__init__(bert, tokenizer, width=width, dropout=dropout)
        self.order = BidirectionalGRU(bert.config.hidden_size)

    def fit_tokenizer(self, captions: Iterable[str]) -> None:
        self.tokenizer.fit(captions)

    def states(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        if self.training:  # in one pass, so that both have the same dropout
            found = self.bert(token_ids, attention_mask=mask, output_hidden_states=True)
            states, embeddings = found.last_hidden_state, found.hidden_states[0]
        else:
            # Not `output_hidden_states`: some versions of transformers then replace the layers'
            # methods during the call, and threads would get the states of one another.
            states = self.bert(token_ids, attention_mask=mask).last_hidden_state
            embeddings = self.bert.embeddings(token_ids)
        return states + embeddings + self.order(embeddings, mask)


def _transformer(
    vocab_size: int, max_length: int, width: int, depth: int, num_heads: int
) -> nn.Module:
    if width % num_heads:
        rule = "hidden_width must be divisible by num_heads"
        raise ValueError(f"{rule}, got {width} and {num_heads}")
    config = transformers.BertConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=num_heads,
        intermediate_size=4 * width,
        max_position_embeddings=max_length,
        type_vocab_size=1,
        # The default, 0.02, is made for a width of 768; at 128 the model would learn slowly.
        initializer_range=width**-0.5,
        attn_implementation="sdpa",
    )
    return transformers.BertModel(config, add_pooling_layer=False)
