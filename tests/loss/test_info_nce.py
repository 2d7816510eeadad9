import math

import pytest
import torch
from torch import Tensor

from textgan.loss import InfoNCE
from textgan.types import ImageFeatures, TextFeatures


def cosine(one: list[float], other: list[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


@pytest.fixture
def contrast(make_contrastive, make_text):
    """Images, texts, captions, negatives and their texts -> the value of an InfoNCE."""

    def make(
        images: Tensor, texts: Tensor, captions: str, *, term=None, negatives=None, wrong=None
    ) -> Tensor:
        step = make_contrastive(
            [*captions],
            negatives and [*negatives],
            images=ImageFeatures(images[:, None], images),
            text=make_text(texts),
            wrong_text=None if wrong is None else make_text(wrong),
        )
        return (term or InfoNCE())(step)

    return make


@pytest.mark.parametrize("size", [2, 4])
def test_features_that_say_nothing_cost_the_logarithm_of_the_batch(contrast, size):
    same, captions = torch.ones(size, 8), "abcd"[:size]
    assert contrast(same, same, captions).item() == pytest.approx(math.log(size))
    value = contrast(same, same, captions, negatives="efgh"[:size], wrong=same)
    assert value.item() == pytest.approx((math.log(2 * size) + math.log(size)) / 2)


def test_a_pair_of_aligned_features_costs_what_the_formula_says(contrast):
    value = contrast(3 * torch.eye(2), 7 * torch.eye(2), "ab", term=InfoNCE(temperature=0.5))
    # similarities 2 on the diagonal (lengths do not count) and 0 beside it
    assert value.item() == pytest.approx(math.log1p(math.exp(-2)))


def test_wrong_captions_are_held_against_images_and_ask_for_none(contrast):
    x, y, z = torch.eye(3)
    value = contrast(
        torch.stack([x, y]),
        torch.stack([x, y]),
        "ab",
        term=InfoNCE(temperature=1.0),
        negatives="cd",
        wrong=torch.stack([x, z]),
    )
    first = math.log(2 * math.e + 2) - 1  # similarities 1 (own), 0, 1, 0
    second = math.log(math.e + 3) - 1  # 0, 1 (own), 0, 0
    images = math.log(math.e + 1) - 1  # of each text: 1 (own), 0
    assert value.item() == pytest.approx((first + second) / 4 + images / 2)


@pytest.mark.parametrize("negatives", [None, ["b", "d", "c", "x", "a", ""]])
def test_it_agrees_with_the_equation_written_in_loops(make_contrastive, ways, negatives):
    captions = ["a", "b", "a", "", "c", "d"]
    step = make_contrastive(captions, negatives)
    texts = step.text.pooled.tolist()
    texts += [] if negatives is None else step.wrong_text.pooled.tolist()
    similarity = [[cosine(x, y) / 0.25 for y in texts] for x in step.images.pooled.tolist()]
    expected = sum(ways(similarity, captions, negatives or [])) / 2
    step.images.pooled, step.text.pooled = step.images.pooled.double(), step.text.pooled.double()
    value = InfoNCE(temperature=0.25).double()(step)
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(expected, rel=1e-6)  # the temperature's own rounding


def test_equal_captions_are_no_negatives_of_each_other(contrast):
    same = torch.ones(3, 8)
    assert contrast(same, same, "aaa").item() == pytest.approx(0)
    expected = (2 * math.log(2) + math.log(3)) / 3  # the last meets two that are wrong
    assert contrast(same, same, "aab").item() == pytest.approx(expected)


def test_a_dropped_caption_is_no_negative_and_has_none(contrast):
    images, texts = torch.eye(8)[:3], torch.eye(8)[4:7]
    value = contrast(images, texts, ["a", "", "b"])
    assert value.item() == pytest.approx(2 / 3 * math.log(2))


def test_a_wrong_caption_that_is_another_images_own_is_not_held_against_that_one(contrast):
    same = torch.ones(2, 8)
    value = contrast(same, same, "ab", negatives="bc", wrong=same)
    # a meets b, b's copy and c; b meets a and c, and not its own caption a second time
    assert value.item() == pytest.approx((math.log(4) + math.log(3)) / 4 + math.log(2) / 2)


def test_words_and_regions_play_no_part(make_contrastive):
    step = make_contrastive([*"abc"])
    other = make_contrastive([*"abc"])
    other.images.regions = 7 * other.images.regions
    other.text = TextFeatures(-step.text.words, step.text.mask, step.text.pooled)
    assert torch.equal(InfoNCE()(step), InfoNCE()(other))
