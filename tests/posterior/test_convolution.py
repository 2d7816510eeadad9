"""Properties of an image that ConvolutionPosterior leaves to the text."""

import torch

from textgan.posterior import ConvolutionPosterior
from textgan.types import TextFeatures


def means(images: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(0)
    posterior = ConvolutionPosterior(sample_shape=(3, 16, 16), text_width=8, noise_width=4)
    text = TextFeatures(torch.ones(2, 3, 8), torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 8))
    return posterior(images, text).mean


def test_lighter_or_darker_images_have_the_same_mean():
    torch.manual_seed(1)
    images = torch.rand(2, 3, 16, 16) - 0.5
    assert torch.allclose(means(images), means(images + 0.5), atol=1e-4)
    assert not torch.allclose(means(images), means(images.flip(-1)), atol=1e-2)


def test_flat_images_of_two_colours_say_the_same():
    shades = torch.tensor([-1.0, 0.8])[:, None, None, None].expand(2, 3, 16, 16)
    first, second = means(shades)
    assert torch.allclose(first, second, atol=1e-4)
