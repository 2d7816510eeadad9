import math

import pytest
import torch

from textgan.layer import Temperature


def at(value: float) -> Temperature:
    """A temperature that training has brought to `value`, be it out of range."""
    temperature = Temperature()
    torch.nn.init.constant_(temperature.log_temperature, math.log(value))
    return temperature


def gradient(value: float, pull: float) -> float:
    """Of `pull` times the temperature, by its logarithm."""
    temperature = at(value)
    (pull * temperature()).backward()
    return temperature.log_temperature.grad.item()


@pytest.mark.parametrize("start", [0.01, 0.07, 0.1, 0.5, 1.0])
def test_it_starts_where_it_was_told_to(start):
    value = Temperature(start)()
    assert value.shape == ()
    assert value.item() == pytest.approx(start, rel=1e-5)


@pytest.mark.parametrize(("value", "kept"), [(1e-9, 0.01), (0.009, 0.01), (1.1, 1.0), (1e9, 1.0)])
def test_it_stays_within_its_ends_whatever_training_does(value, kept):
    assert at(value)().item() == pytest.approx(kept, rel=1e-5)


@pytest.mark.parametrize("value", [0.02, 0.1, 0.9])
def test_within_the_ends_the_gradient_by_its_logarithm_is_the_temperature(value):
    assert gradient(value, 3.0) == pytest.approx(3 * value, rel=1e-5)


def test_beyond_an_end_only_a_gradient_that_leads_back_passes():
    # a step goes against the gradient: a positive one lowers the temperature
    assert gradient(2.0, 1.0) == pytest.approx(1.0, rel=1e-5)
    assert gradient(2.0, -1.0) == 0
    assert gradient(0.005, 1.0) == 0
    assert gradient(0.005, -1.0) == pytest.approx(-0.01, rel=1e-5)


@pytest.mark.parametrize("value", [0.002, 0.01, 1.0, 5.0])
def test_an_optimizer_brings_it_back_from_either_end_and_beyond(value):
    temperature = at(value)
    optimizer = torch.optim.Adam(temperature.parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (temperature() - 0.2).square().backward()
        optimizer.step()
    assert temperature().item() == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("start", [0, 0.0099, 1.01, -0.1, math.inf, math.nan])
def test_a_start_out_of_range_is_a_sentence(start):
    with pytest.raises(ValueError, match=rf"temperature must be within \[0.01, 1\], got {start}"):
        Temperature(start)
