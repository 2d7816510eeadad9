"""How codes are drawn from logits."""

import pytest
import torch

from textgan.prior import Sampling

LOGITS = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()


def drawn(uniform: float, **options: float) -> int:
    return int(Sampling(**options).draw(LOGITS, torch.tensor([uniform])))


@pytest.mark.parametrize(
    ("uniform", "code"),
    [(0.0, 0), (0.09, 0), (0.11, 1), (0.49, 1), (0.51, 2), (0.69, 2), (0.71, 3), (0.999, 3)],
)
def test_a_code_is_drawn_by_its_share(uniform, code):
    assert drawn(uniform) == code


def test_shares_are_those_of_the_logits():
    torch.manual_seed(0)
    found = Sampling().draw(LOGITS.expand(20_000, -1), torch.rand(20_000))
    shares = torch.bincount(found, minlength=4) / 20_000
    torch.testing.assert_close(shares, LOGITS[0].exp(), atol=0.015, rtol=0)


def test_temperature_zero_takes_the_likeliest():
    assert {drawn(u, temperature=0) for u in (0.0, 0.5, 0.999)} == {1}


def test_a_low_temperature_sharpens():
    # with 0.5 the shares are squared: 1, 16, 4 and 9 of 30
    assert drawn(1 / 30 - 0.01, temperature=0.5) == 0
    assert drawn(17 / 30 - 0.01, temperature=0.5) == 1
    assert drawn(17 / 30 + 0.01, temperature=0.5) == 2
    assert drawn(21 / 30 + 0.01, temperature=0.5) == 3


def test_top_k_leaves_the_k_likeliest():
    assert {drawn(u, top_k=2) for u in (0.0, 0.3, 0.6, 0.999)} == {1, 3}
    assert drawn(4 / 7 - 0.01, top_k=2) == 1
    assert drawn(4 / 7 + 0.01, top_k=2) == 3
    assert drawn(0.0, top_k=9) == 0
    assert drawn(0.0, top_k=2) == 1  # the first code has no share


def test_top_p_leaves_the_likeliest_that_reach_the_share():
    assert {drawn(u, top_p=0.5) for u in (0.0, 0.3, 0.6, 0.999)} == {1, 3}
    assert {drawn(u, top_p=0.3) for u in (0.0, 0.999)} == {1}
    assert drawn(0.0, top_p=1.0) == 0


def test_guidance_by_hand_rises_along_the_sequence():
    sampling = Sampling(guidance_scale=3.0)
    logits = torch.tensor([[2.0, 0.0], [1.0, 1.0]])  # of the caption, of the empty one
    assert sampling.guided(logits, 0.0).tolist() == [[2.0, 0.0]]
    assert sampling.guided(logits, 0.5).tolist() == [[3.0, -1.0]]
    assert sampling.guided(logits, 1.0).tolist() == [[4.0, -2.0]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": -1}, "temperature must be at least 0, got -1"),
        ({"top_k": -1}, "top_k must be at least 0, got -1"),
        ({"top_p": 0}, r"top_p must be within \(0, 1\], got 0"),
        ({"guidance_scale": -1}, "guidance_scale must be at least 0, got -1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sampling(**options)
