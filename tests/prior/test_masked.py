"""The transformer that draws many codes at once."""

import math

import pytest
import torch

from textgan.prior import MaskedPrior, Sampling
from textgan.types import TextFeatures

SHAPE = (2, 3, 4)


def made(**changes: object) -> MaskedPrior:
    torch.manual_seed(0)
    arguments = {"text_width": 5, "width": 12, "depth": 2, "num_heads": 2, **changes}
    shape = arguments.pop("codes_shape", SHAPE)
    net = MaskedPrior(shape, 7, **arguments)
    for weight in net.parameters():  # the last layers of the branches start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)
    for head in net.heads:
        torch.nn.init.normal_(head.logits.weight, std=0.5)
    return net.eval()


def text(size: int = 3, length: int = 4) -> TextFeatures:
    generator = torch.Generator().manual_seed(1)
    words = torch.randn(size, length, 5, generator=generator)
    mask = torch.arange(length) < (torch.arange(size) % length + 1)[:, None]
    return TextFeatures(words, mask, torch.randn(size, 5, generator=generator))


def codes(size: int = 3) -> torch.Tensor:
    return torch.randint(7, (size, *SHAPE), generator=torch.Generator().manual_seed(2))


def numbers(sampling: Sampling, net: MaskedPrior, size: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(size, *net.numbers_shape(sampling), generator=generator)


def draw(net: MaskedPrior, sampling: Sampling, **options: object) -> torch.Tensor:
    return net.sample(text(), numbers(sampling, net), sampling, **options)


def test_a_prediction_sees_all_codes_that_are_not_hidden_and_no_hidden_one():
    net, given = made(), codes()
    hidden = torch.zeros(3, 3, 4, dtype=torch.bool)
    hidden[:, 1, 2] = hidden[:, 2, 0] = True
    logits = net(given, text(), hidden)
    assert logits.shape == (3, *SHAPE, 7)
    unseen, later = given.clone(), given.clone()
    unseen[:, :, 1, 2] = (unseen[:, :, 1, 2] + 1) % 7
    changed = net(unseen, text(), hidden)
    torch.testing.assert_close(changed[:, :, 2, 0], logits[:, :, 2, 0])
    torch.testing.assert_close(changed[:, 0, 1, 2], logits[:, 0, 1, 2])
    # The second group at a position is predicted from the first one there.
    assert not torch.allclose(changed[:, 1, 1, 2], logits[:, 1, 1, 2])
    later[:, 1, 2, 3] = (later[:, 1, 2, 3] + 1) % 7
    assert not torch.allclose(net(later, text(), hidden)[:, :, 1, 2], logits[:, :, 1, 2])


def test_the_loss_is_the_mean_over_hidden_positions():
    net, given = made(), codes(2)
    uniform = torch.rand(2, 13, generator=torch.Generator().manual_seed(5))
    uniform[0, 0], uniform[1, 0] = 0.0, 0.9
    features = text(2)
    # cos(0) of 12 positions are all, cos(0.9 pi / 2) = 0.156 of 12 are 2 (rounded up).
    expected = []
    for row, count in enumerate((12, 2)):
        hidden = torch.zeros(12, dtype=torch.bool)
        hidden[uniform[row, 1:].argsort()[:count]] = True
        alone = TextFeatures(
            features.words[row : row + 1],
            features.mask[row : row + 1],
            features.pooled[row : row + 1],
        )
        logits = net(given[row : row + 1], alone, hidden.view(1, 3, 4))[0].flatten(1, 2)
        flat, total = given[row].flatten(1), 0.0
        for place in hidden.nonzero().flatten():
            for group in range(2):
                total -= logits[group, place].log_softmax(-1)[flat[group, place]]
        expected.append(total / count)
    found = net.loss(given, features, uniform)
    torch.testing.assert_close(found, torch.stack(expected).mean())


@pytest.mark.parametrize(("steps", "left"), [(4, [12, 11, 8, 4]), (1, [12]), (2, [12, 8])])
def test_the_hidden_positions_follow_the_cosine(steps, left, monkeypatch):
    net, counts, drawing = made(), [], MaskedPrior._draw

    def spy(self, codes, text, hidden, *rest):
        counts.append(hidden.sum(1).tolist())
        return drawing(self, codes, text, hidden, *rest)

    monkeypatch.setattr(MaskedPrior, "_draw", spy)
    draw(net, Sampling(num_inference_steps=steps))
    assert counts == [[count] * 3 for count in left]
    assert left[1:] == [math.floor(12 * math.cos(t / steps * math.pi / 2)) for t in range(1, steps)]


def test_more_steps_than_positions_draw_one_at_a_time():
    seen = []
    draw(made(), Sampling(num_inference_steps=40), on_step=seen.append)
    assert len(seen) == 12


def test_a_code_that_is_kept_stays():
    net, seen = made(), []
    drawn = draw(net, Sampling(num_inference_steps=6), on_step=lambda c: seen.append(c.clone()))
    assert torch.equal(seen[-1], drawn)
    same = [(codes == drawn).all(1).float().mean().item() for codes in seen]
    assert same == sorted(same)
    assert same[0] < same[-1]


def test_one_step_without_chance_takes_the_likeliest_codes():
    net = made(codes_shape=(1, 3, 4))
    sampling = Sampling(temperature=0, num_inference_steps=1)
    drawn = draw(net, sampling)
    hidden = torch.ones(3, 3, 4, dtype=torch.bool)
    assert torch.equal(net(torch.zeros_like(drawn), text(), hidden).argmax(-1), drawn)
    empty = TextFeatures(0 * text().words, text().mask, 0 * text().pooled)
    guided = draw(net, Sampling(0, guidance_scale=3.0, num_inference_steps=1), empty=empty)
    one, other = (net(torch.zeros_like(drawn), t, hidden) for t in (text(), empty))
    assert torch.equal((other + 3 * (one - other)).argmax(-1), guided)
    with pytest.raises(ValueError, match="guidance needs the features of the empty caption"):
        draw(net, Sampling(guidance_scale=2.0))


def test_the_surest_codes_are_kept_first():
    net = made(codes_shape=(1, 3, 4), choice_temperature=0.0)
    sampling, first = Sampling(num_inference_steps=2), []
    drawn = draw(net, sampling, on_step=lambda codes: first.append(codes.clone()))
    hidden = torch.ones(3, 3, 4, dtype=torch.bool)
    logits = net(torch.zeros_like(drawn), text(), hidden).log_softmax(-1)
    sureness = logits.gather(-1, first[0][..., None]).flatten(1)
    kept = sureness.argsort(descending=True)[:, :4]  # floor(12 cos(pi / 4)) = 8 are hidden again
    assert torch.equal(drawn.flatten(1).gather(1, kept), first[0].flatten(1).gather(1, kept))
    by_chance = made(codes_shape=(1, 3, 4), choice_temperature=50.0)
    assert not torch.equal(draw(by_chance, sampling), drawn)


def test_padding_and_the_batch_make_no_difference():
    net, sampling = made(), Sampling()
    drawn = draw(net, sampling)
    longer = text().pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 5) * ~longer.mask[..., None]
    assert torch.equal(net.sample(longer, numbers(sampling, net), sampling), drawn)
    one = net.sample(text()[1:2], numbers(sampling, net)[1:2], sampling)
    assert torch.equal(one, drawn[1:2])


def test_kept_codes_stay_and_all_others_see_them():
    net, known, sampling = made(), codes(), Sampling(temperature=0)
    kept = torch.zeros(3, 4, dtype=torch.bool)
    kept[2] = True  # the last row, which the first ones see
    drawn = draw(net, sampling, known=known, kept=kept)
    assert torch.equal(drawn[:, :, 2], known[:, :, 2])
    other = draw(net, sampling, known=(known + 1) % 7, kept=kept)
    assert not torch.equal(other[:, :, :2], drawn[:, :, :2])
    assert torch.equal(draw(net, sampling, known=known, kept=~(kept & False)), known)


def test_the_caption_matters_and_all_weights_learn():
    net = made().train()
    uniform = torch.rand(3, 13, generator=torch.Generator().manual_seed(6))
    loss = net.loss(codes(), text(), uniform)
    assert not torch.allclose(loss, net.loss(codes(), text(3, 3), uniform))
    loss.backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_saved_prior_is_the_same(tmp_path):
    net = made()
    net.save_pretrained(tmp_path)
    again = MaskedPrior.from_pretrained(tmp_path)
    assert torch.equal(draw(again, Sampling()), draw(net, Sampling()))


def test_what_it_cannot_do_is_a_sentence():
    with pytest.raises(TypeError, match="MaskedPrior has no likelihood: use a prior such as GPT"):
        made().log_likelihood(codes(), text())
    with pytest.raises(ValueError, match="choice_temperature must be at least 0, got -1"):
        made(choice_temperature=-1)
    with pytest.raises(ValueError, match="uniform must have the shape"):
        made().sample(text(), torch.rand(3, 8, 1, 3, 4), Sampling())
    with pytest.raises(ValueError, match="num_inference_steps must be at least 1, got 0"):
        Sampling(num_inference_steps=0)
