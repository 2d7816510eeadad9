"""Attention between the places of an image, and from them to the words of a caption."""

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
        places = x.flatten(2).mT  # (B, HW, C)
        query = _split(self.query(self.norm(places)), self.num_heads)  # (B, heads, HW, C / heads)
        key, value = (_split(t, self.num_heads) for t in self.key_value(words).chunk(2, -1))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        return x + self.output(_join(mixed)).mT.unflatten(-1, x.shape[2:])


def _check_heads(width: int, num_heads: int) -> None:
    if width % num_heads:
        raise ValueError(f"width must be divisible by num_heads, got {width} and {num_heads}")


def _split(x: Tensor, num_heads: int) -> Tensor:
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)  # (B, heads, N, D / heads)


def _join(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)  # (B, N, D)
