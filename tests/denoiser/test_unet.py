"""The U-Net of diffusers as a denoiser."""

import sys

import pytest
import torch

from textgan.denoiser import UNetDenoiser
from textgan.errors import ConfigError
from textgan.types import TextFeatures

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")


def made(**changes: object) -> UNetDenoiser:
    torch.manual_seed(0)
    sizes = {"sample_shape": (4, 8, 8), "text_width": 8, "widths": (8, 12), "num_heads": 2}
    return UNetDenoiser(**{**sizes, **changes}).eval()


@pytest.fixture
def inputs(network_inputs):
    """Noisy samples (3, 4, 8, 8), times (3,), text."""
    _, noisy, text = network_inputs(size=8, channels=4)
    return noisy, torch.tensor([0.1, 0.5, 0.9]), text


def test_time_text_and_noise_matter_and_all_weights_learn(inputs):
    noisy, time, text = inputs
    net = made()
    out = net(noisy, time, text)
    assert out.shape == noisy.shape
    words = TextFeatures(text.words + 1, text.mask, text.pooled)
    pooled = TextFeatures(text.words, text.mask, -text.pooled)
    others = ((-noisy, time, text), (noisy, 1 - time, text), (noisy, time, words))
    for other in (*others, (noisy, time, pooled)):
        assert not torch.allclose(net(*other)[0], out[0], atol=1e-4)
    (out * torch.randn_like(out)).sum().backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None] == []


def test_padding_and_the_batch_make_no_difference(inputs):
    noisy, time, text = inputs
    net = made()
    out = net(noisy, time, text)
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    torch.testing.assert_close(net(noisy, time, longer), out, atol=1e-4, rtol=0)
    one = slice(1, 2)
    alone = net(noisy[one], time[one], text[one])
    torch.testing.assert_close(alone, out[one], atol=1e-4, rtol=0)


def test_a_saved_denoiser_is_the_same(inputs, tmp_path):
    net = made()
    net.save_pretrained(tmp_path)
    assert torch.equal(UNetDenoiser.from_pretrained(tmp_path)(*inputs), net(*inputs))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"widths": (8,)}, "widths must be at least two"),
        ({"widths": (8,) * 5}, "and halve the size each but the first, got .* for a size of 8"),
        ({"num_heads": 3}, r"num_heads must divide all widths, got 3 and \[8, 12\]"),
        ({"layers_per_block": 0}, "layers_per_block must be at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_sentences(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**changes)


def test_without_diffusers_a_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"pip install 'textgan\[diffusion\]'"):
        made()
