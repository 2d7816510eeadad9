import pytest

from textgan.comparison.digits import count, interval, significant


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.000"),
        (0.5, "0.5000"),
        (1.23456, "1.235"),
        (99.996, "100.0"),
        (-12.3, "-12.30"),
        (0.00012345, "0.0001234"),
        (0.0000123, "1.230e-05"),
        (999.96, "1,000"),
        (1234.56, "1,235"),
        (12345.6, "12,350"),
        (3456789.0, "3,456,789"),  # a count is not rounded
    ],
)
def test_four_significant_digits(value, said):
    assert significant(value) == said


def test_a_difference_bears_its_sign():
    assert significant(0.25, signed=True) == "+0.2500"
    assert significant(-2000.0, signed=True) == "-2,000"
    assert significant(12345.6, signed=True) == "+12,350"


def test_what_is_not_there_is_an_empty_string():
    assert interval(None, 1.0) == interval(0.0, None) == count(None) == ""
    assert interval(-0.5, 1.0) == "-0.5000 to 1.000"
    assert count(12000) == "12,000"
