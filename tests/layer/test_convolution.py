import pytest
import torch

from textgan.layer import (
    DownBlock,
    ModulatedBlock,
    Modulation,
    check_resolutions,
    widths_by_resolution,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("image_size", "widths"),
    [
        (16, {4: 32, 8: 16, 16: 8}),
        (64, {4: 40, 8: 40, 16: 32, 32: 16, 64: 8}),
    ],
)
def test_widths_double_downwards_to_the_greatest(image_size, widths):
    assert widths_by_resolution(image_size, width=8, max_width=40) == widths


@pytest.mark.parametrize("image_size", [0, 8, 24, 512])
def test_a_size_that_is_no_power_of_two_in_range_is_refused(image_size):
    with pytest.raises(ValueError, match=f"image_size must be .*, got {image_size}"):
        widths_by_resolution(image_size, width=8, max_width=40)


def test_a_resolution_that_no_block_has_is_refused_by_name():
    check_resolutions("word_resolutions", [8], [4, 8, 16])
    with pytest.raises(ValueError, match=r"word_resolutions must be .* \[4, 8, 16\], got \[7\]"):
        check_resolutions("word_resolutions", [7], [16, 8, 4])


def test_modulation_forgets_the_scale_and_offset_of_its_input_and_takes_those_of_the_style():
    layer, x, style = Modulation(8, style_width=4), torch.randn(2, 8, 5, 5), torch.randn(2, 4)
    out = layer(x, style)
    torch.testing.assert_close(layer(7 * x + 3, style), out, atol=1e-4, rtol=0)
    scale, shift = layer.scale_shift(style).chunk(2, 1)
    normal = (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True, correction=0)
    expected = normal * (1 + scale[..., None, None]) + shift[..., None, None]
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("resolution", [4, 8])
def test_a_modulated_block_doubles_the_size_but_at_4(resolution):
    block = ModulatedBlock(8, 6, style_width=4, resolution=resolution)
    out = block(torch.randn(2, 8, 4, 4), torch.randn(2, 4))
    assert out.shape == (2, 6, resolution, resolution)


def test_a_modulated_block_tells_places_of_a_flat_map_apart_by_the_style():
    block = ModulatedBlock(8, 6, style_width=4, resolution=8)
    flat = torch.ones(2, 8, 4, 4)
    out = block(flat, torch.randn(2, 4))[..., 1:-1, 1:-1]  # without what padding does
    assert out.std((2, 3)).min() > 0.1
    assert (out[0] - out[1]).std((1, 2)).min() > 0.05


def test_a_down_block_halves_the_size_and_about_keeps_the_variance():
    block = DownBlock(64, 64)
    out = block(torch.nn.functional.avg_pool2d(torch.randn(4, 64, 32, 32), 4).repeat(1, 1, 4, 4))
    assert out.shape == (4, 64, 16, 16)
    smooth = torch.nn.functional.interpolate(torch.randn(4, 64, 4, 4), size=32, mode="nearest")
    assert 0.5 < block(smooth).std() / smooth.std() < 1.5
