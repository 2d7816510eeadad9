"""Transformer blocks: for sequences of codes, and modulated ones for the positions of a map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.layer.attention import CrossAttention


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
    starts at 0, or is scaled (LayerScale, Touvron et al. 2021).

    Args:
        width: of the sequence.
        num_heads: divides `width`.
        dropout: probability, on the output of each branch.
        layer_scale: None, or the value at which the learned factors of each branch's channels
            start; the last layers then do not start at 0.
    """

    def __init__(
        self,
        width: int,
        *,
        num_heads: int,
        dropout: float = 0.0,
        layer_scale: float | None = None,
    ):
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
        self.attention_scale = self.hidden_scale = None
        if layer_scale is None:
            nn.init.zeros_(self.mixed.weight)
            nn.init.zeros_(self.output.weight)
        else:
            self.attention_scale = nn.Parameter(torch.full((width,), layer_scale))
            self.hidden_scale = nn.Parameter(torch.full((width,), layer_scale))

    def forward(
        self, x: Tensor, mask: Tensor | None = None, cache: KeyValueCache | None = None
    ) -> Tensor:
        """Positions (B, N, width) -> (B, N, width).

        Args:
            x: the positions.
            mask: (B or 1, N, M) bool, which of M positions each of N attends to: at least one. None
                means all.
            cache: earlier positions, which are the first of the M; it takes the new ones.
        """
        x = x + self._attention(self.attention_norm(x), mask, cache)
        return x + self._hidden(self.hidden_norm(x))

    def _attention(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        angles: Tensor | None = None,
    ) -> Tensor:
        """The attention's branch, of normalised positions; `angles` are those of `rotated`."""
        three = self.query_key_value(x).chunk(3, -1)
        query, key, value = (t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in three)
        query, key = _unit(query), _unit(key)
        if angles is not None:
            query, key = rotated(query, angles), rotated(key, angles)
        if cache is not None:
            key, value = cache.append(key, value)
        mask = None if mask is None else mask[:, None]
        mixed = _attend(query, key, value, mask).transpose(1, 2).flatten(2)
        return self._scaled(self.mixed(mixed), self.attention_scale)

    def _hidden(self, x: Tensor) -> Tensor:
        """The hidden layer's branch, of normalised positions."""
        return self._scaled(self.output(F.relu(self.hidden(x)).square()), self.hidden_scale)

    def _scaled(self, x: Tensor, scale: Tensor | None) -> Tensor:
        if scale is not None:
            x = x * scale
        return F.dropout(x, self.dropout, self.training)


class ModulatedTransformerBlock(TransformerBlock):
    """A transformer block whose normalised inputs a style vector scales and shifts.

    The adaptive normalisation of diffusion transformers (Peebles & Xie 2023). Between the two
    branches, the positions attend to the words of a caption.

    Args:
        width: of the positions.
        num_heads: divides `width`.
        style_width: length of the style vector.
        text_width: width of the words.
        gated: whether the style also scales the two branches, from 0 on at the start (adaLN-zero).
            Otherwise their last layers start at 0.
    """

    def __init__(
        self,
        width: int,
        *,
        num_heads: int,
        style_width: int,
        text_width: int,
        gated: bool = False,
    ):
        super().__init__(width, num_heads=num_heads)
        self.words = CrossAttention(width, text_width=text_width, num_heads=num_heads)
        self.scale_shift = nn.Linear(style_width, 4 * width)
        nn.init.normal_(self.scale_shift.weight, std=0.5 * style_width**-0.5)
        nn.init.zeros_(self.scale_shift.bias)
        self.gates = nn.Linear(style_width, 2 * width) if gated else None
        if gated:
            for layer in (self.mixed, self.output):
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(self.gates.weight)
            nn.init.zeros_(self.gates.bias)

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        words: Tensor,
        mask: Tensor,
        maps: list[Tensor] | None = None,
        angles: Tensor | None = None,
    ) -> Tensor:
        """Positions of a square map (B, N, width) -> (B, N, width).

        Args:
            x: the positions, row by row.
            style: (B, S).
            words: (B, L, D).
            mask: (B, L) bool, True at real words.
            maps: None, or a list that gets the attention to the words, (B, L, r, r).
            angles: None, or the rotations of the positions, (N, D / 2) for heads of width D.
        """
        scale, shift, hidden_scale, hidden_shift = self.scale_shift(style)[:, None].chunk(4, -1)
        gate, hidden_gate = 1.0, 1.0
        if self.gates is not None:
            gate, hidden_gate = self.gates(style)[:, None].chunk(2, -1)
        normalised = torch.addcmul(shift, self.attention_norm(x), 1 + scale)
        x = x + gate * self._attention(normalised, angles=angles)
        side = int(x.shape[1] ** 0.5)
        square = x.mT.unflatten(-1, (side, side))  # (B, width, r, r)
        if maps is not None:
            weights = self.words.weights(square, words, mask)  # (B, heads, N, L)
            maps.append(weights.mean(1).mT.unflatten(-1, (side, side)))
        x = self.words(square, words, mask).flatten(2).mT
        normalised = torch.addcmul(hidden_shift, self.hidden_norm(x), 1 + hidden_scale)
        return x + hidden_gate * self._hidden(normalised)


def square_angles(side: int, width: int) -> Tensor:
    """The angles of `rotated` for the positions of a square map, row by row -> (N, width / 2).

    Half of them follow the row and half the column (RoPE in two dimensions, as in Heo et al. 2024),
    at frequencies from 1 to 1/100 radians a position.

    Args:
        side: of the map.
        width: of a head; divisible by 4.
    """
    if width % 4:
        raise ValueError(f"the width of a head must be divisible by 4, got {width}")
    frequencies = 100 ** -torch.linspace(0, 1, width // 4)
    places = torch.arange(side)[:, None] * frequencies  # (side, width / 4)
    rows, columns = places[:, None].expand(-1, side, -1), places.expand(side, -1, -1)
    return torch.cat([rows, columns], -1).flatten(0, 1)


def rotated(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate pairs of channels by the position's angles (RoPE, Su et al. 2021).

    So the inner product of two rotated vectors depends on the difference of their positions.

    Args:
        x: (..., N, D); channel i is paired with channel i + D / 2.
        angles: (N, D / 2).
    """
    first, second = x.chunk(2, -1)
    sine, cosine = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


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


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Scaled dot-product attention where `mask` is True; None means everywhere."""
    if query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    # On a CPU this is faster than the fused kernel with a mask.
    scores = query @ key.mT * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1).to(value.dtype) @ value
