"""Inception's layers: pools and branches by hand."""

from itertools import pairwise

import torch
from torch import Tensor

from textgan.extractor.inception_layers import TAPS, inception_layers


def neighbourhoods(x: Tensor) -> list[Tensor]:
    """The values in the 3 x 3 places around each, without what lies outside, row by row."""
    height, width = x.shape
    return [
        x[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].flatten()
        for i in range(height)
        for j in range(width)
    ]


def test_pools_leave_the_padding_out_and_only_the_last_block_has_a_maximum():
    with torch.device("meta"):
        layers = inception_layers("logits")
    x = torch.randn(4, 5)
    blocks = [name for name, block in layers.named_children() if hasattr(block, "tower_2")]
    assert blocks == [
        f"mixed{n}" for n in ("", "_1", "_2", *(f"_{n}" for n in (4, 5, 6, 7, 9, 10)))
    ]
    for name in blocks:
        pooled = getattr(layers, name).tower_2.pool(x[None, None])[0, 0].flatten()
        whole = torch.Tensor.amax if name == "mixed_10" else torch.Tensor.mean
        by_hand = torch.stack([whole(values) for values in neighbourhoods(x)])
        torch.testing.assert_close(pooled, by_hand)


def test_the_last_two_blocks_join_four_branches_two_of_them_forked():
    layers = inception_layers("2048")
    with torch.no_grad():
        for block, channels in ((layers.mixed_9, 1280), (layers.mixed_10, 2048)):
            x = torch.rand(1, channels, 8, 8)
            y = block(x)
            assert y.shape == (1, 2048, 8, 8)
            narrow = block.tower.conv(x)
            wide = block.tower_1.conv_1(block.tower_1.conv(x))
            parts = [
                block.conv(x),
                block.tower.mixed.conv(narrow),
                block.tower.mixed.conv_1(narrow),
                block.tower_1.mixed.conv(wide),
                block.tower_1.mixed.conv_1(wide),
                block.tower_2(x),
            ]
            assert [part.shape[1] for part in parts] == [320, 384, 384, 384, 384, 192]
            assert torch.equal(y, torch.cat(parts, 1))
            assert block.tower.mixed.conv.kernel_size == (1, 3)
            assert block.tower.mixed.conv_1.kernel_size == (3, 1)
            assert block.tower_1.conv_1.kernel_size == (3, 3)


def test_logits_are_the_pooled_features_by_the_last_weights_without_a_bias():
    layers = inception_layers("logits")
    maps = torch.rand(2, 2048, 8, 8)
    logits = layers.softmax(layers.pool_3(maps))
    assert logits.shape == (2, 1008)
    torch.testing.assert_close(logits, maps.mean((2, 3)) @ layers.softmax.weight.T)
    assert not layers.softmax(torch.zeros(1, 2048)).any()


def test_each_tap_ends_the_network_and_deeper_ones_go_on_from_there():
    with torch.device("meta"):
        names = [[*inception_layers(tap).state_dict()] for tap in TAPS]
    for shallower, deeper in pairwise(names):
        assert deeper[: len(shallower)] == shallower
