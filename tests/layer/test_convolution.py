import pytest
import torch

from textgan.layer import DownBlock, ModulatedBlock, Modulation


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_modulation_forgets_the_scale_and_offset_of_its_input_and_takes_those_of_the_style():
    layer, x, style = Modulation(8, style_width=4), torch.randn(2, 8, 5, 5), torch.randn(2, 4)
    out = layer(x, style)
    torch.testing.assert_close(layer(7 * x + 3, style), out, atol=1e-4, rtol=0)
    scale, shift = layer.scale_shift(style).chunk(2, 1)
    normal = (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True, correction=0)
    expected = normal * (1 + scale[..., None, None]) + shift[..., None, None]
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("resolution", "upsample"), [(4, False), (8, True)])
def test_a_modulated_block_keeps_or_doubles_the_size(resolution, upsample):
    block = ModulatedBlock(8, 6, style_width=4, resolution=resolution, upsample=upsample)
    out = block(torch.randn(2, 8, 4, 4), torch.randn(2, 4))
    assert out.shape == (2, 6, resolution, resolution)


def test_a_modulated_block_tells_positions_of_a_flat_map_apart_by_the_style():
    block = ModulatedBlock(8, 6, style_width=4, resolution=8, upsample=True)
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
