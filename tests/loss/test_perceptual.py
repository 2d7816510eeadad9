import copy
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from textgan.image_encoder import ImageEncoder, ResNetImageEncoder
from textgan.loss import FeatureReconstruction
from textgan.loss.perceptual import Perceptual
from textgan.pipeline import ContrastivePipeline
from textgan.types import ImageFeatures

YAML = Path(__file__).parents[2] / "conf" / "loss" / "perceptual.yaml"


class Window(ImageEncoder):
    """Two maps, the image itself and twice the image, as bright as `gain` says."""

    def __init__(self, gain: float = 1.0):
        super().__init__()
        self.image_size, self.channels, self.width = 4, 3, 3
        self.map_shapes = [(3, 4, 4)] * 2
        self.gain = torch.nn.Parameter(torch.tensor(gain))

    def encode(self, images: Tensor) -> ImageFeatures:
        places = images.flatten(2).mT
        return ImageFeatures(places, places.mean(1), [self.gain * images, 2 * images])


@pytest.fixture
def encoder() -> ResNetImageEncoder:
    torch.manual_seed(0)
    return ResNetImageEncoder(image_size=16, width=4, base_width=4, max_width=8)


@pytest.fixture
def value(make_step):
    """An encoder, images and their reconstructions -> the generator's value."""

    def make(encoder, real, reconstruction):
        step = make_step(real=real, reconstruction=reconstruction)
        return Perceptual(image_encoder=encoder).generator_loss(step)

    return make


def test_identical_images_cost_nothing_and_others_something(value, encoder):
    real = torch.rand(2, 3, 16, 16) * 2 - 1
    assert value(encoder, real, real.clone()).item() == pytest.approx(0, abs=1e-10)
    small = value(encoder, real, real + 0.01 * torch.randn_like(real))
    large = value(encoder, real, real + 0.3 * torch.randn_like(real))
    assert 0 < small < large


def test_two_opposite_maps_cost_four_and_two_orthogonal_ones_two_whatever_their_scale(value):
    real = torch.rand(2, 3, 4, 4) + 0.1
    red, blue = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    red[:, 0], blue[:, 2] = 0.5, -0.1
    for gain in (1.0, 100.0):
        assert value(Window(gain), real, -real).item() == pytest.approx(4.0)
        assert value(Window(gain), red, blue).item() == pytest.approx(2.0)


def test_one_wrong_place_of_sixteen_costs_a_sixteenth(value):
    real = torch.ones(1, 3, 4, 4)
    drawn = real.clone()
    drawn[0, :, 1, 2] = -1
    assert value(Window(), real, drawn).item() == pytest.approx(4 / 16)


def test_it_costs_what_a_discriminator_with_the_same_maps_would(make_step, output, encoder, value):
    real, drawn = torch.rand(2, 2, 3, 16, 16)
    discriminator = torch.nn.Module()
    discriminator.features = lambda images: encoder(images).maps
    step = make_step(
        real=real, reconstruction=drawn, discriminator=discriminator, real_output=output(0.0, 0.0)
    )
    expected = FeatureReconstruction().generator_loss(step)
    assert value(encoder, real, drawn).item() == expected.item()


def test_gradient_reaches_the_reconstruction_and_neither_the_image_nor_the_encoder(value, encoder):
    real = torch.rand(2, 3, 16, 16, requires_grad=True)
    drawn = torch.rand(2, 3, 16, 16, requires_grad=True)
    value(encoder, real, drawn).backward()
    assert (drawn.grad.flatten(1).abs().sum(1) > 0).all()
    assert real.grad is None
    assert [weight for weight in encoder.parameters() if weight.grad is not None] == []


def test_images_of_another_size_than_the_encoders_are_compared(value, encoder):
    real = torch.rand(2, 3, 32, 32)
    assert value(encoder, real, real.clone()).item() == pytest.approx(0, abs=1e-10)
    assert value(encoder, real, real.flip(3)) > 1e-4


def test_it_needs_a_posterior_but_no_discriminator(make_step, encoder):
    step = make_step(real=torch.rand(2, 3, 16, 16), reconstruction=torch.rand(2, 3, 16, 16))
    assert step.discriminator is None
    assert Perceptual.needs == ("posterior",)
    assert Perceptual(image_encoder=encoder).generator_loss(step) > 0


def test_only_the_generator_plays_and_the_weight_is_its(encoder):
    term = Perceptual(image_encoder=encoder, weight=[[0.0, 0.0], [1.0, 2.0]])
    assert term.generator_weight == [[0.0, 0.0], [1.0, 2.0]]
    assert type(term).discriminator_loss is FeatureReconstruction.discriminator_loss


def test_the_encoder_is_not_trained_not_saved_and_known_as_an_ancestor(encoder):
    twin = copy.deepcopy(encoder)
    term = Perceptual(image_encoder=encoder).train()
    assert not encoder.training
    assert [*term.parameters()] == []
    assert term.state_dict() == {}
    assert term.image_encoder.lineage() == Perceptual(image_encoder=twin).image_encoder.lineage()


def test_its_yaml_takes_the_encoder_out_of_the_folder_of_a_contrastive_run(
    encoders, value, make_step, tmp_path
):
    ContrastivePipeline(**encoders).save_pretrained(tmp_path)
    shared = {"encoders": str(tmp_path), "part": OmegaConf.load(YAML)}
    term = instantiate(OmegaConf.create(shared).part)
    real, drawn = torch.rand(2, 2, 3, 16, 16)
    found = term.generator_loss(make_step(real=real, reconstruction=drawn))
    expected = value(encoders["image_encoder"], real, drawn)
    torch.testing.assert_close(found, expected)
