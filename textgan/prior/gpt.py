"""A decoder-only transformer over codes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer import KeyValueCache
from textgan.prior.base import Sampling
from textgan.prior.transformer import Head, TransformerPrior
from textgan.types import TextFeatures


class GPTPrior(TransformerPrior):
    """Draws the codes of an image one position after the other, as DALL-E 1 (Ramesh et al. 2021).

    A transformer sees the caption's features as a prefix, whose positions see each other, and then
    the positions of the image row by row, each of which sees the prefix and the earlier positions.
    A learned vector of its row and one of its column tell a position which codes it predicts. The
    codes of the groups at one position are drawn one after the other by small networks on the
    transformer's output, so that several groups cost no more steps of the transformer.

    Args:
        codes_shape: (groups, h, w) of an image's codes.
        codebook_size: number of different codes.
        text_width: width of the text features.
        width: of the transformer.
        depth: number of blocks.
        num_heads: heads of each block.
        dropout: probability, on the input and in the blocks.
        text_vocabulary: number of tokens of the text encoder's tokenizer, for captions of images
            (`text_logits`); None leaves that out. The same transformer then sees the codes as the
            prefix, and the tokens after them.
        max_text_length: the most tokens of a caption.
    """

    def __init__(
        self,
        codes_shape: tuple[int, int, int],
        codebook_size: int,
        *,
        text_width: int,
        width: int = 192,
        depth: int = 6,
        num_heads: int = 3,
        dropout: float = 0.0,
        text_vocabulary: int | None = None,
        max_text_length: int = 64,
    ):
        super().__init__(
            codes_shape,
            codebook_size,
            text_width=text_width,
            width=width,
            depth=depth,
            num_heads=num_heads,
            dropout=dropout,
        )
        if text_vocabulary is not None and min(text_vocabulary, max_text_length) < 2:
            rule = "text_vocabulary and max_text_length must be at least 2"
            raise ValueError(f"{rule}, got {text_vocabulary} and {max_text_length}")
        self.text_vocabulary, self.max_text_length = text_vocabulary, max_text_length
        if text_vocabulary is not None:
            self.tokens = nn.Embedding(text_vocabulary, width)
            self.token_places = nn.Parameter(torch.randn(1, max_text_length, width) * 0.5)
            self.token_head = Head(width, text_vocabulary)
            nn.init.normal_(self.tokens.weight, std=0.5)

    def forward(self, codes: Tensor, text: TextFeatures) -> Tensor:
        """The logits of each code given the earlier ones.

        Args:
            codes: (B, groups, h, w) int64.
            text: of B captions.

        Returns:
            (B, groups, h, w, K): the logits from which the same codes are to be predicted.
        """
        self.check(codes)
        prefix, prefix_mask = self._prefix(text)  # (B, L, D), (B, L)
        inputs = self._inputs(codes.flatten(2))
        x = self._blocks(torch.cat([prefix, inputs], 1), _mask(prefix_mask, inputs.shape[1]))
        return self._logits(x[:, prefix.shape[1] :], codes)

    def loss(self, codes: Tensor, text: TextFeatures, uniform: Tensor) -> Tensor:
        """As in the base; it needs no random numbers."""
        return -self.log_likelihood(codes, text).mean() / codes[0, 0].numel()

    def log_likelihood(self, codes: Tensor, text: TextFeatures) -> Tensor:
        logits = self(codes, text).float()
        losses = F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none")
        return -losses.flatten(1).sum(1)

    def numbers_shape(self, sampling: Sampling) -> tuple[int, ...]:
        return self.codes_shape

    @torch.no_grad()
    def sample(
        self,
        text: TextFeatures,
        uniform: Tensor,
        sampling: Sampling,
        *,
        empty: TextFeatures | None = None,
        known: Tensor | None = None,
        kept: Tensor | None = None,
        on_step: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        text = self._guided_text(text, sampling, empty)
        self.check(uniform)
        size, copies = len(uniform), 2 if sampling.is_guided else 1
        flat = uniform.flatten(2)  # (B, groups, P)
        places = flat.shape[2]
        codes = torch.zeros(flat.shape, dtype=torch.int64, device=flat.device)
        fixed = self._fixed(known, kept, size)
        prefix, prefix_mask = self._prefix(text)
        mask = _mask(prefix_mask, places)
        caches = [KeyValueCache(prefix.shape[1] + places) for _ in self.blocks]
        length = prefix.shape[1]
        x = torch.cat([prefix, self._inputs(codes.repeat(copies, 1, 1)[..., :1])], 1)
        rows = slice(0, length + 1)
        for place in range(places):
            for block, cache in zip(self.blocks, caches, strict=True):
                x = block(x, mask[:, rows, : rows.stop], cache)
            hidden = x[:, -1]  # (B or 2 B, D)
            for group, head in enumerate(self.heads):
                logits = head(hidden)
                if sampling.is_guided:
                    logits = sampling.guided(logits, (place + 1) / places)
                drawn = sampling.draw(logits, flat[:, group, place])
                if fixed is not None:
                    own = known.flatten(2)[:, group, place]
                    drawn = torch.where(fixed[:, place], own, drawn)
                codes[:, group, place] = drawn
                if group + 1 < len(self.heads):
                    hidden = hidden + self.siblings[group](drawn.repeat(copies))
            if on_step is not None:
                on_step(codes.unflatten(2, self.codes_shape[1:]))
            if place + 1 < places:
                here = codes.repeat(copies, 1, 1)[..., place : place + 1]
                x = self._embedded(here) + self._positions()[place + 1]
                rows = slice(rows.stop, rows.stop + 1)
        return codes.unflatten(2, self.codes_shape[1:])

    def text_logits(self, codes: Tensor, token_ids: Tensor) -> Tensor:
        """The logits of each next token of the captions of images.

        Args:
            codes: (B, groups, h, w) int64.
            token_ids: (B, L) int64, which begin with a begin token; padding comes last.

        Returns:
            (B, L, V): row l predicts token l + 1.

        Raises:
            TypeError: the prior has no `text_vocabulary`.
        """
        prefix = self._codes_prefix(codes)
        x = torch.cat([prefix, self._embedded_tokens(token_ids, 0)], 1)
        mask = _mask(torch.ones_like(prefix[..., 0], dtype=torch.bool), token_ids.shape[1])
        return self.token_head(self._blocks(x, mask)[:, prefix.shape[1] :])

    @torch.no_grad()
    def describe(
        self, codes: Tensor, uniform: Tensor, sampling: Sampling, *, begin: int, end: int
    ) -> Tensor:
        """Draw the captions of images, token by token.

        Args:
            codes: (B, groups, h, w) int64.
            uniform: (B, L) in [0, 1), the random numbers of at most L tokens.
            sampling: how the tokens are drawn; without guidance.
            begin: id of the token that begins every caption.
            end: id of the token that ends it.

        Returns:
            (B, M) int64, M at most L + 1, the begin token first; behind an end token there are more
            of it.

        Raises:
            TypeError: the prior has no `text_vocabulary`.
        """
        x = self._codes_prefix(codes)
        size, length, _ = x.shape
        most = min(uniform.shape[1], self.max_text_length)
        caches = [KeyValueCache(length + most) for _ in self.blocks]
        mask = _mask(torch.ones(size, length, dtype=torch.bool, device=x.device), most)
        found = torch.full((size, 1), begin, device=x.device)
        x = torch.cat([x, self._embedded_tokens(found, 0)], 1)
        rows = slice(0, length + 1)
        for place in range(most):
            for block, cache in zip(self.blocks, caches, strict=True):
                x = block(x, mask[:, rows, : rows.stop], cache)
            token = sampling.draw(self.token_head(x[:, -1]), uniform[:, place])
            token = torch.where((found[:, -1] == end) & (place > 0), end, token)
            found = torch.cat([found, token[:, None]], 1)
            if (token == end).all():
                break
            if place + 1 < most:
                x = self._embedded_tokens(token[:, None], place + 1)
                rows = slice(rows.stop, rows.stop + 1)
        return found

    def _codes_prefix(self, codes: Tensor) -> Tensor:
        """Codes (B, groups, h, w) -> their positions as a prefix (B, P, D)."""
        if self.text_vocabulary is None:
            raise TypeError("the prior must be built with text_vocabulary to make captions")
        self.check(codes)
        return self._embedded(codes.flatten(2)) + self._positions()

    def _embedded_tokens(self, token_ids: Tensor, first: int) -> Tensor:
        """Token ids (B, L) of the places from `first` on -> (B, L, D)."""
        last = first + token_ids.shape[1]
        if last > self.max_text_length:
            rule = f"a caption must have at most {self.max_text_length} tokens"
            raise ValueError(f"{rule}, got {last}")
        return self.tokens(token_ids) + self.token_places[:, first:last]

    def _inputs(self, codes: Tensor) -> Tensor:
        """The first P codes (B, groups, P) -> the inputs of P positions (B, P, D).

        A position's input is the codes of the one before it, and its own row and column.
        """
        count = codes.shape[2]
        start = self.start.expand(len(codes), 1, -1)
        before = torch.cat([start, self._embedded(codes[..., : count - 1])], 1)
        return before + self._positions()[:count]


def _mask(prefix: Tensor, places: int) -> Tensor:
    """Mask of the prefix (B, L) -> (B, L + P, L + P) bool.

    The prefix sees itself; a place sees the prefix, itself and earlier places.
    """
    length = prefix.shape[1]
    total = length + places
    causal = torch.ones(total, total, dtype=torch.bool, device=prefix.device).tril()
    causal[:length, :length] = True
    keys = F.pad(prefix, (0, places), value=True)  # (B, L + P)
    # A padded word sees itself, so that no row is empty.
    itself = torch.eye(total, dtype=torch.bool, device=prefix.device)
    return (causal & keys[:, None]) | itself
