import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from textgan.image_encoder import ViTImageEncoder


def make(**changes) -> ViTImageEncoder:
    torch.manual_seed(0)
    sizes = {"image_size": 16, "width": 6, "patch_size": 4}
    return ViTImageEncoder(**{**sizes, "hidden_width": 8, "depth": 2, "num_heads": 2, **changes})


def without_attention(encoder: ViTImageEncoder) -> ViTImageEncoder:
    """The same encoder, but what a place hears from the others is 0."""
    ends = ("attention.o_proj", "attention.output.dense")  # by the version of transformers
    silenced = [m for name, m in encoder.vit.named_modules() if name.endswith(ends)]
    assert len(silenced) == 2
    for linear in silenced:
        torch.nn.init.zeros_(linear.weight)
    return encoder


@pytest.mark.parametrize(("patch_size", "side"), [(4, 4), (8, 2), (16, 1)])
def test_regions_are_the_patches_and_each_layer_has_a_map_of_them(patch_size, side):
    encoder = make(patch_size=patch_size, depth=3)
    assert encoder.map_shapes == [(8, side, side)] * 3
    features = encoder(torch.rand(2, 3, 16, 16))
    assert features.regions.shape == (2, side * side, 6)
    assert not torch.equal(features.maps[0], features.maps[2])


def test_a_patch_is_its_own_region_and_its_own_place_of_the_maps():
    encoder = without_attention(make())
    images = torch.zeros(1, 3, 16, 16)
    before = encoder(images)
    images[:, :, 4:8, 8:12] = 1  # second row, third column
    after = encoder(images)
    assert (before.regions != after.regions).any(-1)[0].nonzero().tolist() == [[6]]
    for ours, theirs in zip(before.maps, after.maps, strict=True):
        assert (ours != theirs).any(1)[0].nonzero().tolist() == [[1, 2]]
    assert torch.equal(before.pooled, after.pooled)  # the class token has heard of no patch


def test_with_attention_every_region_and_the_pooled_feature_see_every_patch():
    encoder = make()
    images = torch.zeros(1, 3, 16, 16)
    before = encoder(images)
    images[:, :, 4:8, 8:12] = 1
    after = encoder(images)
    assert (before.regions != after.regions).any(-1).all()
    assert (before.maps[0] != after.maps[0]).any(1).all()  # after the first layer already
    assert (before.pooled != after.pooled).any()


def test_the_same_patch_elsewhere_is_another_region():
    regions = make()(torch.zeros(1, 3, 16, 16)).regions[0]
    assert torch.pdist(regions).min() > 0.01


def test_features_are_the_same_in_training():
    encoder, images = make(), torch.rand(2, 3, 16, 16)
    assert torch.equal(encoder.train()(images).pooled, encoder.eval()(images).pooled)


def test_a_penalty_on_gradients_can_be_differentiated():
    encoder = make().double()
    images = torch.rand(1, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    with sdpa_kernel(SDPBackend.MATH):
        (gradient,) = torch.autograd.grad(encoder(images).pooled.sum(), images, create_graph=True)
        gradient.square().sum().backward()
    assert (images.grad != 0).all()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"patch_size": 5}, "image_size must be a multiple of patch_size, got 16 and 5"),
        ({"patch_size": 32}, "image_size must be a multiple of patch_size, got 16 and 32"),
        ({"patch_size": 0}, "image_size must be a multiple of patch_size, got 16 and 0"),
        ({"patch_size": -4}, "image_size must be a multiple of patch_size, got 16 and -4"),
        ({"num_heads": 3}, "hidden_width must be divisible by num_heads, got 8 and 3"),
        ({"num_heads": 0}, "hidden_width must be divisible by num_heads, got 8 and 0"),
        ({"depth": 0}, "depth must be at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_sentences(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(**changes)
