"""Attention between the positions of a feature map, and from positions to words."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Attention between the positions of a map (SAGAN, Zhang et al. 2019), a residual branch."""

    def __init__(self, width: int, *, num_heads: int):
        super().__init__()
        _check_heads(width, num_heads)
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        positions = x.flatten(2).mT  # (B, HW, C)
        three = self.query_key_value(self.norm(positions)).chunk(3, -1)  # 3 of (B, HW, C)
        mixed = _join(F.scaled_dot_product_attention(*(_split(t, self.num_heads) for t in three)))
        return x + self.output(mixed).mT.unflatten(-1, x.shape[2:])


class CrossAttention(nn.Module):
    """Attention from the positions of a map to the words of a caption, a residual branch.

    Args:
        width: channels of the map.
        text_width: width of the words.
        num_heads: divides `width`.
    """

    def __init__(self, width: int, *, text_width: int, num_heads: int):
        super().__init__()
        _check_heads(width, num_heads)
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(text_width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """X (B, C, H, W), words (B, L, D), mask (B, L) True at real words -> (B, C, H, W)."""
        query, key, value = self._query_key_value(x, words)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        return x + self.output(_join(mixed)).mT.unflatten(-1, x.shape[2:])

    def weights(self, x: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Attention weights, from the same arguments -> (B, heads, HW, L); they sum to 1 over L."""
        query, key, _ = self._query_key_value(x, words)
        scores = query @ key.mT / query.shape[-1] ** 0.5  # (B, heads, HW, L)
        return scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)

    def _query_key_value(self, x: Tensor, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        positions = self.norm(x.flatten(2).mT)  # (B, HW, C)
        three = self.query(positions), *self.key_value(words).chunk(2, -1)
        return tuple(_split(t, self.num_heads) for t in three)


class AttentionPool(nn.Module):
    """Pool the words of a caption into one vector, by attention from learned queries.

    The pooling by attention of the Set Transformer (Lee et al. 2019). Each query averages a slice
    of the values; at initialisation all words have the same weight.

    Args:
        in_width: width of the words.
        out_width: length of the vector.
        num_queries: number of queries; it divides `in_width`.
    """

    def __init__(self, in_width: int, out_width: int, *, num_queries: int):
        super().__init__()
        _check_heads(in_width, num_queries)
        self.num_queries = num_queries
        self.score = nn.Linear(in_width, num_queries, bias=False)
        self.value = nn.Linear(in_width, in_width)
        self.norm = nn.LayerNorm(in_width)
        self.output = nn.Linear(in_width, out_width)
        nn.init.zeros_(self.score.weight)
        for linear in (self.value, self.output):
            nn.init.normal_(linear.weight, std=in_width**-0.5)
            nn.init.zeros_(linear.bias)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Words (B, L, D), mask (B, L) True at real words, never all False -> (B, out_width)."""
        scores = self.score(words).masked_fill(~mask[..., None], -torch.inf)  # (B, L, Q)
        values = self.value(words).unflatten(-1, (self.num_queries, -1))  # (B, L, Q, D / Q)
        pooled = (scores.softmax(1)[..., None] * values).sum(1).flatten(1)  # (B, D)
        return self.output(self.norm(pooled))


class MeanPool(nn.Module):
    """The mean of the words of a caption."""

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Words (B, L, D), mask (B, L) True at real words, never all False -> (B, D)."""
        weights = mask[..., None].to(words.dtype)
        return (words * weights).sum(1) / weights.sum(1)


def _check_heads(width: int, num_heads: int) -> None:
    if width % num_heads:
        raise ValueError(f"width must be divisible by num_heads, got {width} and {num_heads}")


def _split(x: Tensor, num_heads: int) -> Tensor:
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)  # (B, heads, N, D / heads)


def _join(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)  # (B, N, D)
