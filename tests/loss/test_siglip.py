import math

import pytest
import torch
from torch import Tensor

from textgan.loss import SigLIP
from textgan.types import ImageFeatures


def nll(logit: float) -> float:
    """-log sigmoid."""
    return math.log1p(math.exp(-logit))


@pytest.fixture
def contrast(make_contrastive, make_text):
    """Images, texts, captions -> the value of a SigLIP."""

    def make(images: Tensor, texts: Tensor, captions: str, term=None):
        images = ImageFeatures(images[:, None], images)
        return (term or SigLIP())(
            make_contrastive([*captions], images=images, text=make_text(texts))
        )

    return make


def test_it_starts_at_a_scale_of_ten_and_a_bias_of_minus_ten(contrast):
    assert (1 / SigLIP().temperature()).item() == pytest.approx(10)
    # Own pairs have the logit 10 - 10, the two wrong ones 0 - 10; an image has one of each.
    value = contrast(3 * torch.eye(2), 7 * torch.eye(2), "ab")
    assert value.item() == pytest.approx(nll(0) + nll(10))


def test_features_that_say_nothing_cost_most_for_what_is_wrong(contrast):
    same = torch.ones(4, 8)
    term = SigLIP(temperature=0.5, bias=-1.0)  # each logit is 2 - 1
    assert contrast(same, same, "abcd", term).item() == pytest.approx(nll(1) + 3 * nll(-1))


@pytest.mark.parametrize("negatives", [None, ["b", "d", "c", "x", "a", ""]])
def test_it_agrees_with_the_equation_written_in_loops(make_contrastive, negatives):
    captions = ["a", "b", "a", "", "c", "d"]
    step = make_contrastive(captions, negatives)
    texts = step.text.pooled.tolist()
    texts += [] if negatives is None else step.wrong_text.pooled.tolist()
    total = 0.0
    for i, x in enumerate(step.images.pooled.tolist()):
        for j, (y, caption) in enumerate(zip(texts, captions + (negatives or []), strict=True)):
            if "" in (captions[i], caption) or (captions[i] == caption and i != j):
                continue
            product = sum(a * b for a, b in zip(x, y, strict=True))
            cosine = product / math.sqrt(sum(a * a for a in x) * sum(b * b for b in y))
            total += nll((1 if i == j else -1) * (4 * cosine - 2))
    step.images.pooled, step.text.pooled = step.images.pooled.double(), step.text.pooled.double()
    value = SigLIP(temperature=0.25, bias=-2.0).double()(step)
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(total / len(captions), rel=1e-6)


def test_equal_captions_are_not_held_against_each_other(contrast):
    same = torch.ones(3, 8)
    assert contrast(same, same, "aaa").item() == pytest.approx(nll(0))
    # four of the six pairs beside the diagonal are wrong, with a logit of 10 - 10
    assert contrast(same, same, "aab").item() == pytest.approx(nll(0) + 4 / 3 * nll(0))


def test_an_image_without_a_caption_is_drawn_to_nothing(contrast):
    same = torch.ones(2, 8)
    assert contrast(same, same, ["a", ""]).item() == pytest.approx(nll(0) / 2)


def test_scale_and_bias_learn(contrast):
    term = SigLIP(temperature=0.5, bias=0.0)
    contrast(torch.eye(4), torch.eye(4), "abcd", term).backward()
    assert term.bias.grad > 0  # most pairs are wrong: a lower bias would cost less
    assert term.temperature.log_temperature.grad > 0  # all fit: a larger scale would cost less
    assert [*dict(term.named_parameters())] == ["bias", "temperature.log_temperature"]


def test_the_largest_logits_have_finite_gradients(contrast):
    images = torch.eye(2).requires_grad_()
    term = SigLIP(temperature=0.01)
    value = contrast(images, -torch.eye(2), "ab", term)
    assert value.item() == pytest.approx(110 + nll(10))  # own pairs: -100 - 10
    value.backward()
    assert torch.isfinite(images.grad).all()
