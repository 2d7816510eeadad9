"""Transformer blocks for sequences of codes, with a cache of keys and values."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class KeyValueCache:
    """Keys and values of the positions that a block has seen, so that each is computed once.

    Args:
        length: the most positions.
    """

    def __init__(self, length: int):
        self.length, self.size = length, 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add (B, heads, N, D) at the end -> all keys and values, (B, heads, M, D) each."""
        if self._keys is None:
            shape = (*keys.shape[:2], self.length, keys.shape[-1])
            self._keys, self._values = keys.new_empty(shape), values.new_empty(shape)
        end = self.size + keys.shape[2]
        self._keys[:, :, self.size : end] = keys
        self._values[:, :, self.size : end] = values
        self.size = end
        return self._keys[:, :, :end], self._values[:, :, :end]


class TransformerBlock(nn.Module):
    """Attention and a hidden layer, each a residual branch of the normalised input.

    Queries and keys are normalised too (Henry et al. 2020), which bounds the attention's logits;
    the hidden layer has a squared ReLU (Primer, So et al. 2021). The last layer of each branch
    starts at 0.

    Args:
        width: of the sequence.
        num_heads: divides `width`.
        dropout: probability, on the output of each branch.
    """

    def __init__(self, width: int, *, num_heads: int, dropout: float = 0.0):
        super().__init__()
        if width % num_heads:
            raise ValueError(f"width must be divisible by num_heads, got {width} and {num_heads}")
        self.num_heads, self.dropout = num_heads, dropout
        self.attention_norm, self.hidden_norm = RMSNorm(width), RMSNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width, bias=False)
        self.hidden = nn.Linear(width, 4 * width, bias=False)
        self.output = nn.Linear(4 * width, width, bias=False)
        for layer in (self.query_key_value, self.hidden):
            nn.init.normal_(layer.weight, std=width**-0.5)
        nn.init.zeros_(self.mixed.weight)
        nn.init.zeros_(self.output.weight)

    def forward(self, x: Tensor, mask: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Positions (B, N, width) -> (B, N, width).

        Args:
            x: the positions.
            mask: (B or 1, N, M) bool, which of M positions each of N attends to: at least one.
            cache: earlier positions, which are the first of the M; it takes the new ones.
        """
        three = self.query_key_value(self.attention_norm(x)).chunk(3, -1)
        query, key, value = (t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in three)
        query, key = _unit(query), _unit(key)
        if cache is not None:
            key, value = cache.append(key, value)
        mixed = _attend(query, key, value, mask[:, None]).transpose(1, 2).flatten(2)
        x = x + self._dropped(self.mixed(mixed))
        hidden = F.relu(self.hidden(self.hidden_norm(x))).square()
        return x + self._dropped(self.output(hidden))

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang & Sennrich 2019), computed in float32."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same shape and dtype."""
        return _unit(x) * self.weight.to(x.dtype)


def _unit(x: Tensor) -> Tensor:
    """X scaled to mean square 1 over its last dimension."""
    wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Scaled dot-product attention where `mask` is True."""
    if query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    # On a CPU this is faster than the fused kernel with a mask.
    scores = query @ key.mT * query.shape[-1] ** -0.5
    return scores.masked_fill(~mask, -torch.inf).softmax(-1).to(value.dtype) @ value
