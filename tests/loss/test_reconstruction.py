import pytest
import torch

from textgan.loss import Reconstruction


@pytest.fixture
def step(make_step):
    """Reconstructions that are off by 0.5 everywhere, at a given progress."""
    return lambda progress=0.0: make_step(
        reconstruction=torch.full((2, 3, 4, 4), 0.5), progress=progress
    )


@pytest.mark.parametrize(
    ("weights", "value"),
    [
        ({"absolute": 3.0}, 1.5),
        ({"root": 4.0}, 4 * ((0.25 + 1e-4) ** 0.5 - 0.01)),
        ({"root": 4.0, "absolute": 3.0}, 4 * ((0.25 + 1e-4) ** 0.5 - 0.01) + 1.5),
    ],
)
def test_it_weighs_its_errors(step, weights, value):
    term = Reconstruction(**{"root": 0.0, **weights})
    assert term.generator_loss(step()).item() == pytest.approx(value, rel=1e-6)


def test_the_roots_pull_on_an_image_does_not_depend_on_its_error(make_step):
    drawn = torch.stack([torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), 0.8)]).requires_grad_()
    Reconstruction(root=1.0).generator_loss(make_step(reconstruction=drawn)).backward()
    weak, strong = drawn.grad.flatten(1).norm(dim=1).tolist()
    assert weak == pytest.approx(strong, rel=2e-3)


@pytest.mark.parametrize(
    ("progress", "value"), [(0.0, 0.0), (0.15, 0.0), (0.275, 0.25), (0.4, 0.5), (1.0, 0.5)]
)
def test_the_absolute_error_grows_by_its_schedule(step, progress, value):
    term = Reconstruction(root=0.0, absolute=[[0.15, 0.0], [0.4, 1.0]])
    assert term.generator_loss(step(progress)).item() == pytest.approx(value)


def test_a_perfect_reconstruction_costs_nothing(make_step):
    real = torch.rand(2, 3, 4, 4) * 2 - 1
    term = Reconstruction(root=1.0, absolute=1.0)
    value = term.generator_loss(make_step(real=real, reconstruction=real))
    assert value.item() == pytest.approx(0, abs=1e-7)


def test_a_schedule_out_of_order_is_refused_by_name():
    with pytest.raises(ValueError, match="absolute must be a number or corners"):
        Reconstruction(absolute=[[0.5, 0.0], [0.2, 1.0]])
