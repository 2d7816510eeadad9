import pytest
import torch

from textgan.image_encoder import ResNetImageEncoder


def make(**changes) -> ResNetImageEncoder:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "width": 6, "base_width": 4, "max_width": 12, "num_questions": 2}
    return ResNetImageEncoder(**{**sizes, **changes})


def touched(before: torch.Tensor, after: torch.Tensor) -> list[int]:
    """Which regions changed."""
    return (before != after).any(-1)[0].nonzero()[:, 0].tolist()


def test_maps_halve_down_to_four_and_their_channels_double_up_to_the_most():
    assert make().map_shapes == [(8, 16, 16), (12, 8, 8), (12, 4, 4)]
    assert make(max_width=100).map_shapes == [(8, 16, 16), (16, 8, 8), (32, 4, 4)]


@pytest.mark.parametrize("resolution", [4, 8, 16])
def test_regions_are_the_places_of_the_asked_map(resolution):
    encoder = make(region_resolution=resolution, attention_resolutions=())
    features = encoder(torch.rand(2, 3, 32, 32))
    assert features.regions.shape == (2, resolution**2, 6)
    chosen = next(map_ for map_ in features.maps if map_.shape[-1] == resolution)
    place = torch.nn.functional.leaky_relu(chosen[1, :, 1, 2], 0.2)
    expected = encoder.regions.weight @ place + encoder.regions.bias
    torch.testing.assert_close(features.regions[1, resolution + 2], expected)


def test_without_attention_a_region_sees_only_what_is_around_it():
    encoder = make(image_size=64, attention_resolutions=())
    images = torch.zeros(1, 3, 64, 64)
    before = encoder(images)
    images[:, :, :4, :4] = 1  # the upper left corner
    after = encoder(images)
    changed = touched(before.regions, after.regions)
    assert 0 in changed
    assert all(place // 8 <= 3 and place % 8 <= 3 for place in changed)
    assert not torch.equal(before.pooled, after.pooled)


def test_with_attention_every_region_sees_the_whole_image():
    encoder = make(image_size=64, attention_resolutions=(8,))
    images = torch.zeros(1, 3, 64, 64)
    before = encoder(images).regions
    images[:, :, :4, :4] = 1
    assert touched(before, encoder(images).regions) == [*range(64)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image_size": 20}, "image_size must be a multiple of 8 from 8 to 256, got 20"),
        ({"num_heads": 5}, "width must be divisible by num_heads, got 12 and 5"),
        ({"region_resolution": 6}, r"region_resolution must be among .* got \[6\]"),
        ({"attention_resolutions": (2,)}, r"attention_resolutions must be among .* got \[2\]"),
    ],
)
def test_wrong_arguments_are_sentences(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(**changes)
