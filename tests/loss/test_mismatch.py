import math

import pytest
import torch

from textgan.loss import Mismatch
from textgan.loss.mismatch import next_wrong
from textgan.types import DiscriminatorOutput, TextFeatures


@pytest.fixture
def margin(make_step, make_text, linear):
    """Captions, and the logit that a black image has with each -> the discriminator's value."""

    def make(captions, logits, **fields):
        text = make_text(torch.tensor(logits)[:, None])
        real = torch.zeros(len(captions), 3, 4, 4)
        step = make_step(captions=captions, text=text, real=real, discriminator=linear, **fields)
        step.real_output = linear(real, text)
        return Mismatch().discriminator_loss(step)

    return make


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_each_image_prefers_its_own_caption_to_the_next_one(margin):
    assert margin([*"ab"], [1.0, 3.0]).item() == pytest.approx((softplus(2) + softplus(-2)) / 2)


def test_an_equal_caption_is_never_the_wrong_one(margin):
    # rolled by one, the first image would meet its own caption at margin 0
    expected = (softplus(-4) + softplus(-4) + softplus(4)) / 3
    assert margin([*"aab"], [5.0, 5.0, 1.0]).item() == pytest.approx(expected)


def test_it_is_left_out_where_all_captions_are_equal(margin):
    assert margin([*"aaa"], [5.0, 5.0, 5.0]).item() == 0
    assert margin(["a"], [5.0]).item() == 0


@pytest.mark.parametrize(
    ("ids", "others"),
    [
        ([1, 2, 3], [1, 2, 0]),
        ([1, 1, 2], [2, 2, 0]),
        ([1, 2, 1, 1], [1, 2, 1, 1]),
        ([4, 4, 4], [0, 1, 2]),
    ],
)
def test_the_wrong_caption_is_the_next_that_differs(ids, others):
    ids = torch.tensor(ids)
    wrong = ids[:, None] != ids
    assert next_wrong(wrong, first=0).tolist() == others
    assert next_wrong(wrong[1:], first=1).tolist() == others[1:]


def test_a_dropped_caption_is_not_wrong_and_knows_of_none_that_is(margin):
    # the second image's caption may well have been "a"; only the first and the last meet
    expected = (softplus(1.0 - 5.0) + softplus(5.0 - 1.0)) / 2
    assert margin(["a", "", "b"], [5.0, 3.0, 1.0]).item() == pytest.approx(expected)
    assert margin(["a", ""], [5.0, 3.0]).item() == 0


def test_a_process_finds_wrong_captions_in_the_whole_batch(make_step, make_text, linear):
    pooled = torch.tensor([[1.0], [1.0], [2.0], [9.0]])
    whole = make_text(pooled)
    by_kind = {torch.int64: torch.tensor([7, 7, 8, 9]), torch.bool: whole.mask}

    def gather(tensor):
        return by_kind.get(tensor.dtype, pooled if tensor.ndim == 2 else whole.words)

    real, own = torch.zeros(2, 3, 4, 4), make_text(pooled[:2])
    step = make_step(text=own, real=real, discriminator=linear, gather=gather)
    step.real_output = linear(real, own)
    first = Mismatch().discriminator_loss(step)
    assert first.item() == pytest.approx(softplus(1))  # both meet the third: 2 against 1
    step.rank, step.text = 1, make_text(pooled[2:])
    step.real_output = linear(real, step.text)
    second = Mismatch().discriminator_loss(step)
    assert second.item() == pytest.approx((softplus(7) + softplus(-8)) / 2)


def test_a_second_logit_that_is_blind_to_the_text_plays_no_part(margin, linear, monkeypatch):
    before = margin([*"ab"], [1.0, 3.0])
    score = linear.score

    def both(features, text: TextFeatures):
        out = score(features, text)
        out.logits = torch.cat([out.logits, out.logits + 100], 1)
        return out

    monkeypatch.setattr(linear, "score", both)
    torch.testing.assert_close(margin([*"ab"], [1.0, 3.0]), before)


def test_a_wrong_caption_that_the_data_brings_must_be_beaten_too(margin, make_text):
    without = margin([*"ab"], [1.0, 3.0])
    wrong = make_text(torch.tensor([[0.5], [7.0]]))
    expected = without.item() + (softplus(-0.5) + softplus(4)) / 2
    assert margin([*"ab"], [1.0, 3.0], wrong_text=wrong).item() == pytest.approx(expected)


def test_it_is_the_mean_over_the_logits_that_depend_on_the_text(make_step, make_text):
    class TwoHeads:
        """Two logits of the text, t and 2 t, and one of the image alone."""

        def score(self, features, text):
            t = text.pooled[:, :1]
            logits = torch.cat([t, 2 * t, 0 * t + 7], 1)
            return DiscriminatorOutput(logits, t, t, features, text_logits=2)

    text = make_text(torch.tensor([[1.0], [3.0]]))
    step = make_step(
        captions=[*"ab"], text=text, real=torch.zeros(2, 3, 4, 4), discriminator=TwoHeads()
    )
    step.real_output = TwoHeads().score([], text)
    expected = (softplus(2) + softplus(4) + softplus(-2) + softplus(-4)) / 4
    assert Mismatch().discriminator_loss(step).item() == pytest.approx(expected)
