"""Transformer blocks with scaled branches, and modulated ones."""

import pytest
import torch

from textgan.layer import ModulatedTransformerBlock, TransformerBlock


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(0))


def test_a_block_is_the_identity_at_first(x):
    torch.manual_seed(0)
    assert torch.equal(TransformerBlock(8, num_heads=2)(x), x)


def test_layer_scale_multiplies_each_branch(x):
    torch.manual_seed(0)
    block = TransformerBlock(8, num_heads=2, layer_scale=0.5)
    torch.nn.init.normal_(block.attention_scale)
    torch.nn.init.normal_(block.hidden_scale)
    attention, hidden = block.attention_scale.data, block.hidden_scale.data
    block.attention_scale = block.hidden_scale = None
    middle = x + attention * block._attention(block.attention_norm(x))
    expected = middle + hidden * block._hidden(block.hidden_norm(middle))
    block.attention_scale = torch.nn.Parameter(attention)
    block.hidden_scale = torch.nn.Parameter(hidden)
    torch.testing.assert_close(block(x), expected)
    assert not torch.allclose(expected, x)


@pytest.mark.parametrize("gated", [False, True])
def test_a_style_scales_shifts_and_gates(x, gated):
    torch.manual_seed(0)
    block = ModulatedTransformerBlock(8, num_heads=2, style_width=4, text_width=6, gated=gated)
    words, mask = torch.randn(2, 3, 6), torch.ones(2, 3, dtype=torch.bool)
    style = torch.randn(2, 4)
    square = x.mT.unflatten(-1, (3, 3))
    with_words = block.words(square, words, mask).flatten(2).mT
    # At first the branches add nothing: their last layers, or their gates, are 0.
    torch.testing.assert_close(block(x, style, words, mask), with_words)
    for layer in (block.mixed, block.output, *([block.gates] if gated else [])):
        torch.nn.init.normal_(layer.weight, std=0.3)
    out = block(x, style, words, mask)
    assert not torch.allclose(out, block(x, -style, words, mask), atol=1e-3)
    scale, shift, hidden_scale, hidden_shift = block.scale_shift(style)[:, None].chunk(4, -1)
    gate, hidden_gate = block.gates(style)[:, None].chunk(2, -1) if gated else (1, 1)
    y = x + gate * block._attention(block.attention_norm(x) * (1 + scale) + shift)
    y = block.words(y.mT.unflatten(-1, (3, 3)), words, mask).flatten(2).mT
    y = y + hidden_gate * block._hidden(block.hidden_norm(y) * (1 + hidden_scale) + hidden_shift)
    torch.testing.assert_close(out, y, atol=1e-5, rtol=1e-5)


def test_the_attention_to_words_is_collected(x):
    torch.manual_seed(0)
    block = ModulatedTransformerBlock(8, num_heads=2, style_width=4, text_width=6)
    maps = []
    mask = torch.tensor([[True, True, False], [True, False, False]])
    block(x, torch.randn(2, 4), torch.randn(2, 3, 6), mask, maps)
    (weights,) = maps
    assert weights.shape == (2, 3, 3, 3)
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 3, 3))
    assert not weights[0, 2].any()
