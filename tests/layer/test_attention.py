import pytest
import torch
import torch.nn.functional as F

from textgan.layer import CrossAttention, SelfAttention


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_masked_words_are_never_looked_at():
    layer, x, words = CrossAttention(8, text_width=4, num_heads=2), torch.randn(2, 8, 3, 3), None
    words, mask = torch.randn(2, 5, 4), torch.arange(5) < torch.tensor([5, 2])[:, None]
    out = layer(x, words, mask)
    other = torch.where(mask[..., None], words, 1000 * torch.randn(2, 5, 4))
    torch.testing.assert_close(layer(x, other, mask), out)
    torch.testing.assert_close(layer(x[1:], words[1:, :2], mask[1:, :2]), out[1:])
    assert not torch.allclose(layer(x, words, torch.ones_like(mask))[1], out[1])


def test_the_order_of_the_words_does_not_matter():
    layer, x = CrossAttention(8, text_width=4, num_heads=2), torch.randn(2, 8, 3, 3)
    words, mask = torch.randn(2, 5, 4), torch.arange(5) < torch.tensor([5, 2])[:, None]
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(layer(x, words[:, order], mask[:, order]), layer(x, words, mask))


def test_one_head_over_one_word_adds_the_value_of_that_word_everywhere():
    layer, x = CrossAttention(4, text_width=3, num_heads=1), torch.randn(2, 4, 2, 2)
    word = torch.randn(2, 1, 3)
    value = layer.key_value(word).chunk(2, -1)[1]  # (2, 1, 4)
    expected = x + layer.output(value).mT[..., None]
    out = layer(x, word, torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(out, expected)


def test_moving_the_places_moves_the_result():
    layer, x = SelfAttention(8, num_heads=2), torch.randn(2, 8, 3, 4)
    torch.testing.assert_close(layer(x.flip(3)), layer(x).flip(3))


def test_self_attention_is_that_of_torch():
    layer, x = SelfAttention(8, num_heads=2), torch.randn(2, 8, 3, 3)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = (
        layer.query_key_value.weight.data,
        layer.query_key_value.bias.data,
    )
    theirs.out_proj.load_state_dict(layer.output.state_dict())
    places = F.layer_norm(x.flatten(2).mT, (8,))
    expected = x + theirs(places, places, places)[0].mT.unflatten(-1, (3, 3))
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(
    "make",
    [lambda: SelfAttention(8, num_heads=3), lambda: CrossAttention(8, text_width=4, num_heads=3)],
)
def test_heads_that_do_not_divide_the_width_are_refused(make):
    with pytest.raises(ValueError, match="width must be divisible by num_heads, got 8 and 3"):
        make()
