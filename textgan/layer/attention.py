"""Attention between the places of an image, and from them to the words of a caption."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Places of a map look at each other (SAGAN, Zhang et al. 2019), as a residual branch."""

    def __init__(self, width: int, *, num_heads: int):
        super().__init__()
        _check_heads(width, num_heads)
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        places = x.flatten(2).mT  # (B, HW, C)
        query, key, value = self.query_key_value(self.norm(places)).chunk(3, -1)
        heads = [
            _split(t, self.num_heads) for t in (query, key, value)
        ]  # (B, heads, HW, C / heads)
        mixed = _join(F.scaled_dot_product_attention(*heads))
        return x + self.output(mixed).mT.unflatten(-1, x.shape[2:])


class CrossAttention(nn.Module):
    """Places of a feature map look at the words of the caption, as a residual branch.

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
        """How much each place looks at each word, of the same -> (B, heads, HW, L), sums of 1."""
        query, key, _ = self._query_key_value(x, words)
        scores = query @ key.mT / query.shape[-1] ** 0.5  # (B, heads, HW, L)
        return scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)

    def _query_key_value(self, x: Tensor, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        places = x.flatten(2).mT  # (B, HW, C)
        query = _split(self.query(self.norm(places)), self.num_heads)  # (B, heads, HW, C / heads)
        key, value = (_split(t, self.num_heads) for t in self.key_value(words).chunk(2, -1))
        return query, key, value


class AttentionPool(nn.Module):
    """One vector for a caption: learned questions, each an average of the words that answer it.

    The pooling by attention of the Set Transformer (Lee et al. 2019). At first every question gets
    the plain mean.

    Args:
        in_width: of the words.
        out_width: of the vector.
        num_questions: divides `in_width`.
    """

    def __init__(self, in_width: int, out_width: int, *, num_questions: int):
        super().__init__()
        _check_heads(in_width, num_questions)
        self.num_questions = num_questions
        self.score = nn.Linear(in_width, num_questions, bias=False)
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
        values = self.value(words).unflatten(-1, (self.num_questions, -1))  # (B, L, Q, D / Q)
        answers = (scores.softmax(1)[..., None] * values).sum(1).flatten(1)  # (B, D)
        return self.output(self.norm(answers))


def _check_heads(width: int, num_heads: int) -> None:
    if width % num_heads:
        raise ValueError(f"width must be divisible by num_heads, got {width} and {num_heads}")


def _split(x: Tensor, num_heads: int) -> Tensor:
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)  # (B, heads, N, D / heads)


def _join(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)  # (B, N, D)
