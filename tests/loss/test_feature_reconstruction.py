import pytest
import torch

from textgan.discriminator import ProjectionDiscriminator
from textgan.loss import FeatureReconstruction


@pytest.fixture
def discriminator():
    torch.manual_seed(0)
    return ProjectionDiscriminator(sample_shape=(3, 16, 16), text_width=2, width=4, max_width=8)


@pytest.fixture
def value(make_step, output, discriminator):
    """Images and their reconstructions -> the generator's value."""

    def make(real, reconstruction):
        step = make_step(
            real=real,
            reconstruction=reconstruction,
            discriminator=discriminator,
            real_output=output(0.0, 0.0),
        )
        return FeatureReconstruction().generator_loss(step)

    return make


def test_identical_images_cost_nothing_and_others_something(value):
    real = torch.rand(2, 3, 16, 16) * 2 - 1
    assert value(real, real.clone()).item() == pytest.approx(0, abs=1e-10)
    small = value(real, real + 0.01 * torch.randn_like(real))
    large = value(real, real + 0.3 * torch.randn_like(real))
    assert 0 < small < large


def test_two_opposite_maps_cost_four_whatever_their_scale(make_step, output, linear):
    real = torch.rand(2, 3, 4, 4) + 0.1
    for scale in (1.0, 100.0):
        step = make_step(
            real=scale * real,
            reconstruction=-real,
            discriminator=linear,
            real_output=output(0.0, 0.0),
        )
        value = FeatureReconstruction().generator_loss(step)
        assert value.item() == pytest.approx(4.0)  # |a - (-a)|^2 of unit vectors


def test_gradient_reaches_the_reconstruction_and_not_the_image(value):
    real = torch.rand(2, 3, 16, 16, requires_grad=True)
    drawn = torch.rand(2, 3, 16, 16, requires_grad=True)
    value(real, drawn).backward()
    assert drawn.grad.abs().sum() > 0
    assert real.grad is None


def test_it_sits_out_until_the_discriminator_starts(make_step, discriminator):
    step = make_step(reconstruction=torch.zeros(2, 3, 4, 4), discriminator=discriminator)
    assert FeatureReconstruction().generator_loss(step) is None
