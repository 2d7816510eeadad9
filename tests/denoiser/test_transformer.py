"""The diffusion transformer, and the rotations of its positions."""

import pytest
import torch

from textgan.denoiser import TransformerDenoiser
from textgan.layer.transformer import rotated, square_angles
from textgan.types import TextFeatures


def made(**changes: object) -> TransformerDenoiser:
    torch.manual_seed(0)
    sizes = {"sample_shape": (4, 8, 8), "text_width": 8, "width": 16, "depth": 2, "num_heads": 2}
    net = TransformerDenoiser(**{**sizes, **changes})
    for weight in net.parameters():  # gates and the last layer start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)
    return net.eval()


@pytest.fixture
def inputs(network_inputs):
    """Noisy samples (3, 4, 8, 8), times (3,), text."""
    _, noisy, text = network_inputs(size=8, channels=4)
    return noisy, torch.tensor([0.1, 0.5, 0.9]), text


def test_the_prediction_is_zero_at_first_and_all_weights_learn(inputs):
    sizes = {"text_width": 8, "width": 16, "depth": 1, "num_heads": 2}
    net = TransformerDenoiser(sample_shape=(4, 8, 8), **sizes)
    assert not net(*inputs).any()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        (net(*inputs) - 1).square().mean().backward()
        optimizer.step()
    assert [name for name, weight in net.named_parameters() if not weight.grad.any()] == []


def test_time_text_and_noise_matter(inputs):
    noisy, time, text = inputs
    net = made()
    out = net(noisy, time, text)
    assert out.shape == noisy.shape
    words = TextFeatures(text.words.flip(1) + 1, text.mask, text.pooled)
    pooled = TextFeatures(text.words, text.mask, -text.pooled)
    for other in ((-noisy, time, text), (noisy, 1 - time, text), (noisy, time, words)):
        assert not torch.allclose(net(*other)[0], out[0], atol=1e-3)
    assert not torch.allclose(net(noisy, time, pooled)[0], out[0], atol=1e-3)


def test_padding_and_the_batch_make_no_difference(inputs):
    noisy, time, text = inputs
    net = made()
    out = net(noisy, time, text)
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    torch.testing.assert_close(net(noisy, time, longer), out, atol=1e-5, rtol=0)
    one = slice(1, 2)
    alone = net(noisy[one], time[one], text[one])
    torch.testing.assert_close(alone, out[one], atol=1e-5, rtol=0)


def test_a_patch_is_the_same_as_its_pixels(inputs):
    net = made(patch_size=2)
    out = net(*inputs)
    assert out.shape == (3, 4, 8, 8)
    noisy, time, text = inputs
    changed = noisy.clone()
    changed[:, :, 2:4, 4:6] += 1
    moved = (net(changed, time, text) - out).abs().sum((0, 1))
    assert moved[2:4, 4:6].min() > 0


def test_a_saved_denoiser_is_the_same(inputs, tmp_path):
    net = made()
    net.save_pretrained(tmp_path)
    assert torch.equal(TransformerDenoiser.from_pretrained(tmp_path)(*inputs), net(*inputs))


def test_rotated_products_depend_on_the_difference_of_positions():
    angles = square_angles(4, 8)  # (16, 4): two for the row, two for the column
    assert angles.shape == (16, 4)
    torch.testing.assert_close(angles[6], torch.tensor([1.0, 0.01, 2.0, 0.02]))  # row 1, column 2
    query, key = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    products = rotated(query.expand(16, 8), angles) @ rotated(key.expand(16, 8), angles).T
    grid = products.view(4, 4, 4, 4)  # row and column of the query, of the key
    torch.testing.assert_close(grid[0, 1, 2, 3], grid[1, 0, 3, 2], atol=1e-5, rtol=1e-5)
    assert (grid[0, 0, 1, 2] - grid[0, 0, 2, 1]).abs() > 1e-3
    torch.testing.assert_close(grid[2, 3, 2, 3], query @ key, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"depth": 0}, "depth must be at least 1, got 0"),
        ({"patch_size": 3}, "patch_size must divide the size 8, got 3"),
        ({"num_heads": 8}, "the width of a head must be divisible by 4, got 2"),
        ({"sample_shape": (4, 10, 10)}, "multiple of 8"),
    ],
)
def test_wrong_arguments_are_sentences(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**changes)
