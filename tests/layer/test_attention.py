import pytest
import torch
import torch.nn.functional as F

from textgan.layer import AttentionPool, CrossAttention, SelfAttention


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def crossed() -> tuple[CrossAttention, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A layer, a map (2, 8, 3, 3), words (2, 5, 4) and a mask that leaves 5 and 2 of them."""
    mask = torch.arange(5) < torch.tensor([5, 2])[:, None]
    layer = CrossAttention(8, text_width=4, num_heads=2)
    return layer, torch.randn(2, 8, 3, 3), torch.randn(2, 5, 4), mask


def test_masked_words_have_no_effect(crossed):
    layer, x, words, mask = crossed
    out = layer(x, words, mask)
    other = torch.where(mask[..., None], words, 1000 * torch.randn(2, 5, 4))
    torch.testing.assert_close(layer(x, other, mask), out)
    torch.testing.assert_close(layer(x[1:], words[1:, :2], mask[1:, :2]), out[1:])
    assert not torch.allclose(layer(x, words, torch.ones_like(mask))[1], out[1])


def test_the_weights_are_those_that_mix_the_values(crossed):
    layer, x, words, mask = crossed
    weights = layer.weights(x, words, mask)
    assert weights.shape == (2, 2, 9, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 9))
    assert not weights[1, ..., 2:].any()
    value = layer.key_value(words).chunk(2, -1)[1].unflatten(-1, (2, 4)).transpose(1, 2)
    mixed = layer.output((weights @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(x, words, mask), x + mixed.mT.unflatten(-1, (3, 3)))


def test_the_order_of_the_words_does_not_matter(crossed):
    layer, x, words, mask = crossed
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(layer(x, words[:, order], mask[:, order]), layer(x, words, mask))


def test_one_head_over_one_word_adds_the_value_of_that_word_everywhere():
    layer, x = CrossAttention(4, text_width=3, num_heads=1), torch.randn(2, 4, 2, 2)
    word = torch.randn(2, 1, 3)
    value = layer.key_value(word).chunk(2, -1)[1]  # (2, 1, 4)
    expected = x + layer.output(value).mT[..., None]
    out = layer(x, word, torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(out, expected)


def test_moving_the_positions_moves_the_result():
    layer, x = SelfAttention(8, num_heads=2), torch.randn(2, 8, 3, 4)
    torch.testing.assert_close(layer(x.flip(3)), layer(x).flip(3))


def test_self_attention_is_that_of_torch():
    layer, x = SelfAttention(8, num_heads=2), torch.randn(2, 8, 3, 3)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.in_proj_weight.data = layer.query_key_value.weight.data
    theirs.in_proj_bias.data = layer.query_key_value.bias.data
    theirs.out_proj.load_state_dict(layer.output.state_dict())
    positions = F.layer_norm(x.flatten(2).mT, (8,))
    expected = x + theirs(positions, positions, positions)[0].mT.unflatten(-1, (3, 3))
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(
    "make",
    [lambda: SelfAttention(8, num_heads=3), lambda: CrossAttention(8, text_width=4, num_heads=3)],
)
def test_heads_that_do_not_divide_the_width_are_refused(make):
    with pytest.raises(ValueError, match="width must be divisible by num_heads, got 8 and 3"):
        make()


def test_pooling_is_at_first_the_projected_mean_of_the_words():
    pool, words = AttentionPool(8, 5, num_queries=2), torch.randn(2, 4, 8)
    mask = torch.arange(4) < torch.tensor([4, 2])[:, None]
    means = torch.stack([words[0].mean(0), words[1, :2].mean(0)])
    expected = pool.output(pool.norm(pool.value(means)))
    torch.testing.assert_close(pool(words, mask), expected)


def test_each_query_of_a_pool_finds_its_own_word():
    pool, words = AttentionPool(4, 4, num_queries=2), torch.eye(4)[None]  # word i has value i
    with torch.no_grad():
        pool.score.weight.zero_()[0, 1] = pool.score.weight[1, 3] = 1000.0
    values = pool.value(words)  # (1, L, D)
    expected = torch.cat([values[:, 1, :2], values[:, 3, 2:]], 1)
    found = pool(words, torch.ones(1, 4, dtype=torch.bool))
    torch.testing.assert_close(found, pool.output(pool.norm(expected)))


def test_masked_words_have_no_effect_on_pooling():
    pool, words = AttentionPool(8, 5, num_queries=2), torch.randn(2, 4, 8)
    torch.nn.init.normal_(pool.score.weight)
    mask = torch.arange(4) < torch.tensor([4, 2])[:, None]
    other = torch.where(mask[..., None], words, 1000 * torch.randn(2, 4, 8))
    torch.testing.assert_close(pool(other, mask), pool(words, mask))
