"""What the transformers over codes share: captions, codes, positions and heads."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer import RMSNorm, TransformerBlock
from textgan.prior.base import Sampling, TokenPrior
from textgan.types import TextFeatures


class TransformerPrior(TokenPrior):
    """A transformer over the caption's features, as a prefix, and the positions of the codes.

    A learned vector of its row and one of its column tell a position where it is. The codes of the
    groups at one position are drawn one after the other by small networks on the transformer's
    output, so that several groups cost no more steps of the transformer.

    Args:
        codes_shape: (groups, h, w) of an image's codes.
        codebook_size: number of different codes.
        text_width: width of the text features.
        width: of the transformer.
        depth: number of blocks.
        num_heads: heads of each block.
        dropout: probability, on the input and in the blocks.
    """

    def __init__(
        self,
        codes_shape: tuple[int, int, int],
        codebook_size: int,
        *,
        text_width: int,
        width: int,
        depth: int,
        num_heads: int,
        dropout: float,
    ):
        super().__init__()
        if len(codes_shape) != 3 or min(codes_shape) < 1:
            rule = "codes_shape must be (groups, height, width), each at least 1"
            raise ValueError(f"{rule}, got {tuple(codes_shape)}")
        if codebook_size < 2:
            raise ValueError(f"codebook_size must be at least 2, got {codebook_size}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        self.codes_shape, self.codebook_size = tuple(codes_shape), codebook_size
        self.text_width, self.dropout = text_width, dropout
        groups, height, columns = codes_shape
        self.words = nn.Linear(text_width, width)
        self.pooled = nn.Linear(text_width, width)
        self.codes = nn.ModuleList(nn.Embedding(codebook_size, width) for _ in range(groups))
        self.rows = nn.Parameter(torch.randn(height, 1, width) * 0.5)
        self.columns = nn.Parameter(torch.randn(1, columns, width) * 0.5)
        # What a position sees where there is no code: before the first one, or where it is hidden.
        self.start = nn.Parameter(torch.randn(width) * 0.5)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, num_heads=num_heads, dropout=dropout) for _ in range(depth)
        )
        self.heads = nn.ModuleList(Head(width, codebook_size) for _ in range(groups))
        # What a head sees of the codes of earlier groups at its position.
        self.siblings = nn.ModuleList(nn.Embedding(codebook_size, width) for _ in range(groups - 1))
        for table in (*self.codes, *self.siblings):
            nn.init.normal_(table.weight, std=0.5)

    def _blocks(self, x: Tensor, mask: Tensor) -> Tensor:
        """Inputs (B, N, D) -> outputs (B, N, D)."""
        x = F.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x, mask)
        return x

    def _logits(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Outputs (B, P, D) and the codes there (B, groups, h, w) -> logits (B, groups, h, w, K).

        The logits of a group depend on the codes of the earlier groups at its position.
        """
        flat, logits = codes.flatten(2), []
        for group, head in enumerate(self.heads):
            logits.append(head(hidden))
            if group + 1 < len(self.heads):
                hidden = hidden + self.siblings[group](flat[:, group])
        return torch.stack(logits, 1).unflatten(2, tuple(codes.shape[2:]))

    def _prefix(self, text: TextFeatures) -> tuple[Tensor, Tensor]:
        """Text -> its positions (B, 1 + L, D), the pooled feature first, and mask (B, 1 + L)."""
        positions = torch.cat([self.pooled(text.pooled)[:, None], self.words(text.words)], 1)
        return positions, F.pad(text.mask, (1, 0), value=True)

    @staticmethod
    def _guided_text(
        text: TextFeatures, sampling: Sampling, empty: TextFeatures | None
    ) -> TextFeatures:
        """The features of captions, and for guidance those of empty ones after them."""
        if not sampling.is_guided:
            return text
        if empty is None:
            raise ValueError("guidance needs the features of the empty caption, got none")
        return TextFeatures.cat([text, empty])

    def _fixed(self, known: Tensor | None, kept: Tensor | None, size: int) -> Tensor | None:
        """Which positions are kept, (B, P); None where none is known."""
        if (known is None) != (kept is None):
            raise ValueError("known and kept must be given together, got one of them")
        if known is None:
            return None
        self.check(known)
        return kept.expand(size, *self.codes_shape[1:]).flatten(1)

    def _embedded(self, codes: Tensor) -> Tensor:
        """(B, groups, P) -> (B, P, D)."""
        return sum(table(codes[:, group]) for group, table in enumerate(self.codes))

    def _positions(self) -> Tensor:
        """(h * w, D)."""
        return (self.rows + self.columns).flatten(0, 1)


class Head(nn.Module):
    """The logits of one group's codes at a position."""

    def __init__(self, width: int, codebook_size: int):
        super().__init__()
        self.norm, self.last_norm = RMSNorm(width), RMSNorm(width)
        self.hidden, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.logits = nn.Linear(width, codebook_size)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        nn.init.normal_(self.logits.weight, std=0.02)
        nn.init.zeros_(self.logits.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., K)."""
        x = x + self.output(F.relu(self.hidden(self.norm(x))).square())
        return self.logits(self.last_norm(x))
