"""Intervals: numbers worked by hand, and how often they hold what they promise."""

import pytest
import torch

from textgan.metric import interval
from textgan.metric.interval import Moments, moments


def ratio(a: torch.Tensor, b: torch.Tensor) -> interval.Measurement:
    return interval.ratio(Moments(*moments(a, b).tolist()))


def test_wilsons_interval_of_one_in_four_is_the_one_worked_by_hand():
    # z^2 = 3.8416; centre (0.25 + 3.8416 / 8) / (1 + 3.8416 / 4) = 0.7302 / 1.9604 = 0.372475,
    # reach 1.96 * sqrt(0.25 * 0.75 / 4 + 3.8416 / 64) / 1.9604 = 1.96 * 0.326956 / 1.9604
    low, high = interval.wilson(1, 4)
    assert low == pytest.approx(0.045586, abs=2e-6)
    assert high == pytest.approx(0.699364, abs=2e-6)


def test_wilsons_interval_holds_the_share_whose_own_error_reaches_the_estimate():
    low, high = interval.wilson(30, 100)
    for p in (low, high):
        assert abs(0.3 - p) == pytest.approx(1.96 * (p * (1 - p) / 100) ** 0.5)


def test_wilsons_interval_has_a_width_at_0_and_1_and_is_its_own_mirror_image():
    low, high = interval.wilson(0, 10)
    assert (low, high) == (0, pytest.approx(3.8416 / 13.8416))
    assert interval.wilson(10, 10) == pytest.approx((1 - high, 1 - low))


def test_a_share_counts_what_is_true():
    found = interval.share(torch.tensor([True, False, False, False]))
    assert (found, found.n) == (0.25, 4)
    assert (found.low, found.high) == interval.wilson(1, 4)


def test_a_mean_has_its_standard_error_on_either_side():
    found = interval.mean(torch.tensor([1.0, 3.0, 5.0, 7.0], dtype=torch.float64))
    error = (20 / 3) ** 0.5 / 2  # squares (9 + 1 + 1 + 9) / 3, root, over the root of 4
    assert found == 4
    assert (found.low, found.high) == pytest.approx((4 - 1.96 * error, 4 + 1.96 * error))


def test_a_median_lies_between_two_of_the_values_by_their_rank():
    values = torch.arange(1, 101, dtype=torch.float64)[torch.randperm(100)]
    found = interval.median(values)
    assert (found, found.n) == (50.5, 100)
    assert (found.low, found.high) == (40, 61)  # 50 - 9.8 and 51 + 9.8, outwards


def test_the_median_of_five_has_no_interval_and_that_of_six_their_whole_range():
    five = interval.median(torch.arange(5, dtype=torch.float64))
    assert (five, five.low, five.high) == (2, None, None)
    six = interval.median(torch.arange(6, dtype=torch.float64))
    assert (six, six.low, six.high) == (2.5, 0, 5)


@pytest.mark.parametrize(("n", "at_least"), [(6, 0.95), (30, 0.94), (101, 0.94)])
def test_the_medians_interval_holds_the_true_one_in_95_of_100_draws(n, at_least):
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(2000, n, generator=generator, dtype=torch.float64)
    found = [interval.median(sample) for sample in samples]
    assert sum(f.low <= 0 <= f.high for f in found) / 2000 >= at_least


def test_a_ratio_of_means_adds_up_and_its_error_is_that_of_the_residuals():
    a, b = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([2.0, 2.0, 2.0])
    whole = ratio(a, b)
    assert whole == 1.5
    # residuals a - 1.5 b are -2, -1, 3: sum of squares 14, over n (n - 1) = 6, over mean b = 2
    error = (14 / 6) ** 0.5 / 2
    assert (whole.low, whole.high) == pytest.approx((1.5 - 1.96 * error, 1.5 + 1.96 * error))
    parts = moments(a[:1], b[:1]) + moments(a[1:], b[1:])
    assert interval.ratio(Moments(*parts.tolist())).high == pytest.approx(whole.high)
    assert (ratio(a[:1], b[:1]), ratio(a[:1], b[:1]).low) == (0.5, None)


def test_the_interval_of_a_ratio_covers_it():
    generator = torch.Generator().manual_seed(0)
    hits = 0
    for _ in range(400):
        b = torch.rand(100, generator=generator) + 1
        a = 0.7 * b + 0.2 * torch.randn(100, generator=generator)
        found = ratio(a, b)
        hits += found.low <= 0.7 <= found.high
    assert 0.91 < hits / 400 < 0.98
