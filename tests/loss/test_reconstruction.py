import pytest
import torch

from textgan.loss import Reconstruction


@pytest.fixture
def step(make_step):
    """Reconstructions that are off by 0.5 everywhere, at a given progress."""
    return lambda progress=0.0: make_step(
        reconstruction=torch.full((2, 3, 4, 4), 0.5), progress=progress
    )


def test_it_weighs_the_squared_and_the_absolute_error(step):
    assert Reconstruction(squared=2.0, absolute=0.0).generator_loss(step()).item() == 0.5
    assert Reconstruction(squared=0.0, absolute=3.0).generator_loss(step()).item() == 1.5
    assert Reconstruction(squared=2.0, absolute=3.0).generator_loss(step()).item() == 2.0


@pytest.mark.parametrize(
    ("progress", "value"), [(0.0, 0.5), (0.15, 0.5), (0.275, 0.5 + 0.25), (0.4, 1.0), (1.0, 1.0)]
)
def test_the_absolute_error_grows_by_its_schedule(step, progress, value):
    term = Reconstruction(squared=2.0, absolute=[[0.15, 0.0], [0.4, 1.0]])
    assert term.generator_loss(step(progress)).item() == pytest.approx(value)


def test_a_perfect_reconstruction_costs_nothing(make_step):
    real = torch.rand(2, 3, 4, 4) * 2 - 1
    assert Reconstruction().generator_loss(make_step(real=real, reconstruction=real)).item() == 0


def test_a_schedule_out_of_order_is_refused_by_name():
    with pytest.raises(ValueError, match="absolute must be a number or corners"):
        Reconstruction(absolute=[[0.5, 0.0], [0.2, 1.0]])
