"""The contract of every augmentation of `conf/augmentation`."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate

from textgan.augmentation import Augmentation

FILES = sorted((Path(__file__).parents[2] / "conf" / "augmentation").glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def augmentation(request, load_choice) -> Augmentation:
    return instantiate(load_choice(request.param))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("image_size", [16, 64])
def test_shapes_stay_and_values_are_finite(augmentation, channels, image_size):
    images = torch.rand(4, channels, image_size, image_size) * 2 - 1
    (out,) = augmentation((images,))
    assert out.shape == images.shape
    assert out.dtype == torch.float32
    assert torch.isfinite(out).all()


def test_an_image_in_two_batches_is_transformed_alike(augmentation):
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    one, two, three = augmentation((images, images.clone(), images.clone()))
    assert torch.equal(one, two)
    assert torch.equal(one, three)
    assert not torch.equal(one, images)


def test_rows_are_transformed_differently_and_so_are_calls(augmentation):
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    (rows,) = augmentation((image.repeat(8, 1, 1, 1),))
    assert len({tuple(row.flatten().tolist()) for row in rows}) > 1
    (again,) = augmentation((image.repeat(8, 1, 1, 1),))
    assert not torch.equal(rows, again)


def test_the_seed_decides_the_transformation(augmentation):
    images, outs = torch.rand(4, 3, 16, 16), []
    for _ in range(2):
        torch.manual_seed(3)
        outs.append(augmentation((images,))[0])
    assert torch.equal(*outs)


def test_gradient_passes_through_to_every_image(augmentation):
    real = torch.rand(4, 3, 16, 16)
    fake = torch.rand(4, 3, 16, 16, requires_grad=True)
    _, out = augmentation((real, fake))
    out.square().sum().backward()
    assert torch.isfinite(fake.grad).all()
    assert (fake.grad.flatten(1).abs().sum(1) > 0).all()
