import math

import pytest
import torch

from textgan.quantizer import FSQ


def test_values_and_codes_by_hand():
    # y = 2 sigmoid(1.6 x) - 1 = 0 at x = 0: the interval [0, 1/2) of four, or [-1/3, 1/3) of three
    quantizer = FSQ(levels=(4, 3))
    x = math.log(9) / 1.6  # y = 0.8
    latents = torch.tensor([[0.0, 0.0], [x, -x]])[:, :, None, None]
    out = quantizer(latents)
    torch.testing.assert_close(out.values[..., 0, 0], torch.tensor([[0.25, 0.0], [0.75, -2 / 3]]))
    # the first channel counts 0 to 3, the second 0 to 2 in steps of 4
    assert out.codes.flatten().tolist() == [2 + 4 * 1, 3 + 4 * 0]


def test_a_standard_normal_uses_all_codes_nearly_alike():
    torch.manual_seed(0)
    codes = FSQ(levels=(8,))(torch.randn(1, 1, 400, 500)).codes
    shares = torch.bincount(codes.flatten(), minlength=8) / codes.numel()
    assert shares.min() > 0.11
    assert shares.max() < 0.14


def test_the_slope_is_near_that_of_the_normal_distribution():
    x = torch.linspace(-4, 4, 1001, dtype=torch.float64)
    error = (2 * torch.sigmoid(1.6 * x) - 1) - torch.erf(x / 2**0.5)
    assert error.abs().max() < 0.04


def test_extreme_latents_stay_within_the_levels():
    out = FSQ(levels=(5,))(torch.tensor([-1e9, -40.0, 40.0, 1e9])[:, None, None, None])
    assert out.codes.flatten().tolist() == [0, 0, 4, 4]


def test_the_gradient_is_that_of_the_bound():
    latents = torch.tensor([0.3, -1.2], dtype=torch.float64)[:, None, None, None].requires_grad_()
    FSQ(levels=(6,)).double()(latents).values.sum().backward()
    y = torch.sigmoid(1.6 * latents.detach())
    torch.testing.assert_close(latents.grad, 2 * 1.6 * y * (1 - y))


def test_groups_are_independent():
    torch.manual_seed(0)
    latents = torch.randn(2, 6, 3, 3)
    both, one = FSQ(levels=(4, 3, 2), groups=2), FSQ(levels=(4, 3, 2))
    codes = both(latents).codes
    assert torch.equal(codes[:, :1], one(latents[:, :3]).codes)
    assert torch.equal(codes[:, 1:], one(latents[:, 3:]).codes)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"levels": ()}, "levels must be numbers of at least 2"),
        ({"levels": (8, 1)}, "levels must be numbers of at least 2"),
        ({"groups": 0}, "groups must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        FSQ(**arguments)
