import math

import pytest
import torch

from textgan.loss import Match


@pytest.fixture
def contrast(make_step, output):
    """Image features, text features, captions -> the discriminator's value of a Match."""

    def make(pooled, text, captions, term=None):
        real = output(*[0.0] * len(captions), pooled=pooled, text=text)
        step = make_step(captions=captions, real_output=real, fake_output=real)
        return (term or Match()).discriminator_loss(step)

    return make


@pytest.mark.parametrize("size", [2, 4])
def test_features_that_say_nothing_cost_the_logarithm_of_the_batch(contrast, size):
    captions = [*"abcd"[:size]]
    same = torch.ones(size, 8)
    assert contrast(same, same, captions).item() == pytest.approx(math.log(size))
    images, texts = torch.eye(8)[:size], torch.eye(8)[4 : 4 + size]
    assert contrast(images, texts, captions).item() == pytest.approx(math.log(size))


def test_a_pair_of_aligned_features_costs_what_the_formula_says(contrast):
    value = contrast(torch.eye(2), 7 * torch.eye(2), [*"ab"], Match(temperature=0.5))
    # similarities 2 on the diagonal (lengths do not count) and 0 beside it
    assert value.item() == pytest.approx(math.log1p(math.exp(-2)))


def test_both_directions_count_equally(contrast):
    texts = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    term = Match(temperature=1.0)
    similarity = texts.T  # images are the unit vectors
    rows = -torch.log_softmax(similarity, 1).diagonal().mean()
    columns = -torch.log_softmax(similarity, 0).diagonal().mean()
    value = contrast(torch.eye(2), texts, [*"ab"], term)
    assert value.item() == pytest.approx((rows + columns).item() / 2)
    swapped = contrast(texts, torch.eye(2), [*"ab"], term)
    assert swapped.item() == pytest.approx(value.item())


def test_images_of_equal_captions_are_no_negatives(contrast):
    same = torch.ones(4, 8)
    assert contrast(same, same, [*"aaaa"]).item() == pytest.approx(0.0)
    assert contrast(same, same, [*"aabb"]).item() == pytest.approx(math.log(3))


def test_the_generator_learns_it_on_its_own_images(make_step, output):
    real = output(0.0, 0.0, pooled=torch.eye(2), text=torch.eye(2))
    fake = output(0.0, 0.0, pooled=torch.ones(2, 2), text=torch.eye(2))
    step = make_step(real_output=real, fake_output=fake)
    assert Match().generator_loss(step).item() == pytest.approx(math.log(2))
    assert Match().discriminator_loss(step).item() < 0.01


def test_a_dropped_caption_is_no_negative_and_has_none(contrast):
    images, texts = torch.eye(8)[:3], torch.eye(8)[4:7]
    two = contrast(images[::2], texts[::2], ["a", "b"]).item()  # the logarithm of 2, each way
    assert contrast(images, texts, ["a", "", "b"]).item() == pytest.approx(2 / 3 * two)
    assert contrast(images[:2], texts[:2], ["a", ""]).item() == pytest.approx(0)
