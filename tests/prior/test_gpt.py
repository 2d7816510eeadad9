"""The transformer over codes."""

import pytest
import torch

from textgan.prior import GPTPrior, Sampling
from textgan.types import TextFeatures


def made(**changes: object) -> GPTPrior:
    torch.manual_seed(0)
    arguments = {"text_width": 5, "width": 12, "depth": 2, "num_heads": 2, **changes}
    shape = arguments.pop("codes_shape", (2, 3, 4))
    net = GPTPrior(shape, 7, **arguments)
    for weight in net.parameters():  # the last layers of the branches start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)
    tokens = [net.token_head] if net.text_vocabulary else []
    for head in (*net.heads, *tokens):
        torch.nn.init.normal_(head.logits.weight, std=0.5)
    return net.eval()


def text(size: int = 3, length: int = 4) -> TextFeatures:
    generator = torch.Generator().manual_seed(1)
    words = torch.randn(size, length, 5, generator=generator)
    mask = torch.arange(length) < (torch.arange(size) % length + 1)[:, None]
    return TextFeatures(words, mask, torch.randn(size, 5, generator=generator))


def codes(size: int = 3, shape: tuple[int, ...] = (2, 3, 4)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(7, (size, *shape), generator=generator)


def uniform(size: int = 3, shape: tuple[int, ...] = (2, 3, 4)) -> torch.Tensor:
    return torch.rand(size, *shape, generator=torch.Generator().manual_seed(3))


def test_the_logits_have_a_row_for_each_code():
    assert made()(codes(), text()).shape == (3, 2, 3, 4, 7)


@pytest.mark.parametrize("place", [0, 3, 4, 11])
@pytest.mark.parametrize("group", [0, 1])
def test_a_code_depends_on_earlier_codes_alone(place, group):
    net, given = made(), codes()
    other = given.clone()
    flat = other.flatten(2)
    flat[:, group, place] = (flat[:, group, place] + 1) % 7
    one, two = net(given, text()).flatten(2, 3), net(other, text()).flatten(2, 3)
    order = [(p, g) for p in range(12) for g in range(2)]
    for p, g in order:
        same = torch.allclose(one[:, g, p], two[:, g, p], atol=1e-6)
        assert same == (order.index((p, g)) <= order.index((place, group)))


def test_drawing_with_the_cache_is_the_full_pass():
    net = made()
    drawn = net.sample(text(), uniform(), Sampling(temperature=0))
    assert torch.equal(net(drawn, text()).argmax(-1), drawn)
    drawn = net.sample(text(), uniform(), Sampling())
    logits, numbers = net(drawn, text()).flatten(2, 3), uniform().flatten(2)
    for place in range(12):
        for group in range(2):
            expected = Sampling().draw(logits[:, group, place], numbers[:, group, place])
            assert torch.equal(drawn.flatten(2)[:, group, place], expected)


def test_guidance_with_the_cache_is_the_full_pass():
    net, sampling = made(), Sampling(temperature=0, guidance_scale=3.0)
    empty = TextFeatures(0 * text().words, text().mask, 0 * text().pooled)
    drawn = net.sample(text(), uniform(), sampling, empty=empty)
    both = (net(drawn, features).flatten(2, 3) for features in (text(), empty))
    with_text, without = both
    for place in range(12):
        scale = 1 + 2 * (place + 1) / 12
        guided = without + scale * (with_text - without)
        assert torch.equal(guided[:, :, place].argmax(-1), drawn.flatten(2)[:, :, place])
    with pytest.raises(ValueError, match="guidance needs the features of the empty caption"):
        net.sample(text(), uniform(), sampling)


def test_padding_and_the_batch_make_no_difference():
    net = made()
    expected = net(codes(), text())
    longer = text().pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 5) * ~longer.mask[..., None]
    torch.testing.assert_close(net(codes(), longer), expected, atol=1e-5, rtol=1e-5)
    for row in range(3):
        one = slice(row, row + 1)
        alone = net(codes()[one], text()[one])
        torch.testing.assert_close(alone, expected[one], atol=1e-5, rtol=1e-5)
    drawn = net.sample(text(), uniform(), Sampling())
    assert torch.equal(net.sample(text()[1:2], uniform()[1:2], Sampling()), drawn[1:2])


def test_kept_codes_stay_and_the_others_see_them():
    net, known = made(), codes()
    kept = torch.zeros(3, 4, dtype=torch.bool)
    kept[0] = True
    drawn = net.sample(text(), uniform(), Sampling(), known=known, kept=kept)
    assert torch.equal(drawn[:, :, 0], known[:, :, 0])
    other = (known + 1) % 7
    assert not torch.equal(
        net.sample(text(), uniform(), Sampling(), known=other, kept=kept)[:, :, 1:], drawn[:, :, 1:]
    )


def test_each_step_is_reported():
    seen = []
    drawn = made().sample(
        text(), uniform(), Sampling(), on_step=lambda codes: seen.append(codes.clone())
    )
    assert len(seen) == 12
    assert torch.equal(seen[-1], drawn)
    assert torch.equal(seen[4].flatten(2)[..., :5], drawn.flatten(2)[..., :5])
    assert not seen[4].flatten(2)[..., 5:].any()


def test_the_caption_matters_and_all_weights_learn():
    net = made().train()
    logits = net(codes(), text())
    assert not torch.allclose(logits, net(codes(), text(3, 3)))
    torch.nn.functional.cross_entropy(logits.movedim(-1, 1), codes()).backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_one_group_is_enough():
    net = made(codes_shape=(1, 2, 2))
    drawn = net.sample(text(), uniform(shape=(1, 2, 2)), Sampling(temperature=0))
    assert torch.equal(net(drawn, text()).argmax(-1), drawn)


def test_a_saved_prior_is_the_same(tmp_path):
    net = made()
    net.save_pretrained(tmp_path)
    again = GPTPrior.from_pretrained(tmp_path)
    assert torch.equal(again(codes(), text()), net(codes(), text()))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"codes_shape": (0, 2, 2)}, "codes_shape must be"),
        ({"codes_shape": (2, 2)}, "codes_shape must be"),
        ({"text_vocabulary": 1}, "text_vocabulary and max_text_length must be at least 2"),
        ({"depth": 0}, "depth must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"num_heads": 5}, "width must be divisible by num_heads"),
    ],
)
def test_wrong_arguments_are_sentences(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**changes)


TOKENS = torch.tensor([[1, 4, 5, 2], [1, 6, 2, 2], [1, 3, 3, 4]])


def test_a_token_depends_on_all_codes_and_on_earlier_tokens():
    net = made(text_vocabulary=9)
    logits = net.text_logits(codes(), TOKENS)
    assert logits.shape == (3, 4, 9)
    other = TOKENS.clone()
    other[:, 2] = 7
    changed = net.text_logits(codes(), other)
    torch.testing.assert_close(changed[:, :2], logits[:, :2])
    assert not torch.allclose(changed[:, 2], logits[:, 2])
    last = codes().clone()
    last[:, 1, 2, 3] = (last[:, 1, 2, 3] + 1) % 7
    assert not torch.allclose(net.text_logits(last, TOKENS)[:, 0], logits[:, 0])


def test_captions_drawn_with_the_cache_are_those_of_the_full_pass():
    net = made(text_vocabulary=9)
    numbers = torch.rand(3, 6, generator=torch.Generator().manual_seed(4))
    found = net.describe(codes(), numbers, Sampling(temperature=0), begin=1, end=2)
    assert (found[:, 0] == 1).all()
    logits = net.text_logits(codes(), found[:, :-1])
    for row in range(3):
        ended = False
        for place in range(found.shape[1] - 1):
            token = int(found[row, place + 1])
            assert token == (2 if ended else int(logits[row, place].argmax()))
            ended |= token == 2


def test_captions_end_at_the_longest_length():
    net = made(text_vocabulary=9, max_text_length=3)
    torch.nn.init.constant_(net.token_head.logits.bias, 0.0)
    net.token_head.logits.bias.data[5] = 99.0
    found = net.describe(codes(), torch.rand(3, 10), Sampling(temperature=0), begin=1, end=2)
    assert found.tolist() == [[1, 5, 5, 5]] * 3
    with pytest.raises(ValueError, match="a caption must have at most 3 tokens, got 4"):
        net.text_logits(codes(), TOKENS)


def test_without_a_vocabulary_there_are_no_captions():
    with pytest.raises(TypeError, match="must be built with text_vocabulary"):
        made().text_logits(codes(), TOKENS)
