"""The contract that generators, discriminators and posteriors share, for every file of `conf/`."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from textgan.discriminator import Discriminator
from textgan.generator import Generator
from textgan.posterior import PosteriorEncoder
from textgan.pretrained.frozen import Frozen
from textgan.types import TextFeatures

GROUPS = {"generator": Generator, "discriminator": Discriminator, "posterior": PosteriorEncoder}
CONF = Path(__file__).parents[1] / "conf"
# Those of an autoencoder's latents are the same networks for other shapes.
FILES = [
    file
    for group in GROUPS
    for file in sorted((CONF / group).glob("*.yaml"))
    if "latent" not in file.stem
]
VARIANTS = [({},), ({"word_attention": True},), ({"unconditional": True},), ({"pixel_width": 0},)]
MISTAKES = [
    ({"size": 20}, r"multiple of 8 from 8 to 256, got .*20"),
    ({"size": 264}, r"multiple of 8 from 8 to 256, got .*264"),
    ({"num_heads": 5}, "width must be divisible by num_heads, got .* and 5"),
    ({"word_resolutions": [7]}, r"word_resolutions must be .*, got \[7\]"),
    ({"attention_resolutions": [7]}, r"attention_resolutions must be .*, got \[7\]"),
    ({"channels": 2, "bounded": True}, "channels must be 1, 3 or 4 if bounded is true, got 2"),
    ({"width": 0, "pixel_width": 4}, "width must be at least 1, got 0"),
    ({"pixel_width": -1}, "pixel_width must be at least 0, got -1"),
    ({"depth": 0}, "depth must be at least 1, got 0"),
    ({"patch_size": 3}, "patch_size must divide the size 16, got 3"),
]


def name(value: object) -> str | None:
    return f"{value.parent.name}-{value.stem}" if isinstance(value, Path) else None


def fitting(table: list[tuple]) -> list[tuple]:
    """Each file with the rows whose changes are of settings that it has, or size and channels."""
    known = {file: {*OmegaConf.load(file), "size", "channels"} for file in FILES}
    return [(file, *row) for file in FILES for row in table if {*row[0]} <= known[file]]


def outputs(net: nn.Module, noise: Tensor, images: Tensor, text: TextFeatures) -> list[Tensor]:
    """All that a network computes, a row for each sample."""
    if isinstance(net, Generator):
        prior = net.prior(text)
        return [net(noise, text), prior.mean, prior.log_variance]
    if isinstance(net, Discriminator):
        return [net(images, text).logits]
    q = net(images, text)
    return [q.mean, q.log_variance]


@pytest.fixture(params=fitting(VARIANTS), ids=lambda case: "-".join([name(case[0]), *case[1]]))
def net(request, make_network) -> nn.Module:
    file, changes = request.param
    return make_network(file, **changes).eval()


@pytest.mark.parametrize(
    ("channels", "size"), [(1, 16), (4, 16), (3, 24), (3, 32), (1, 40), (3, 64), (12, 8)]
)
@pytest.mark.parametrize("file", FILES, ids=name)
def test_it_takes_every_size_and_latents(file, channels, size, make_network, network_inputs):
    settings = OmegaConf.load(file)
    if channels == 12 and "image_encoder" in settings:
        pytest.skip("an image encoder takes images only")
    latents = {"bounded": False} if channels == 12 and "bounded" in settings else {}
    net = make_network(file, channels=channels, size=size, **latents)
    assert isinstance(net, GROUPS[file.parent.name])
    first = outputs(net, *network_inputs(size, channels))[0]
    assert len(first) == 3
    assert first.dtype == torch.float32
    assert (first.std(0) > 0).all()
    if isinstance(net, Generator):
        assert first.shape[1:] == net.sample_shape == (channels, size, size)
        assert (net.image_size, net.channels) == (size, channels)


def test_gradient_reaches_every_weight(net, network_inputs):
    found = [out for out in outputs(net, *network_inputs()) if out.requires_grad]
    sum((out * torch.randn_like(out)).sum() for out in found).backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None] == []


def test_gradient_reaches_the_text_and_the_noise_or_the_image_of_every_row(net, network_inputs):
    noise, images, text = network_inputs()
    for tensor in (noise, images, text.pooled):
        tensor.requires_grad_()
    out = outputs(net, noise, images, text)[0]
    (out * torch.randn_like(out)).sum().backward()
    reads = [text.pooled] if getattr(net, "reads_text", True) else []
    for tensor in (*reads, noise if isinstance(net, Generator) else images):
        assert (tensor.grad.flatten(1).abs().sum(1) > 0).all()


def test_padding_has_no_effect(net, network_inputs):
    noise, images, text = network_inputs()
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    found, expected = (outputs(net, noise, images, one) for one in (longer, text))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_a_row_is_the_same_alone_and_in_a_batch(net, network_inputs):
    noise, images, text = network_inputs()
    expected = outputs(net, noise, images, text)
    for row in range(3):
        one = slice(row, row + 1)
        alone = outputs(net, noise[one], images[one], text[one])
        torch.testing.assert_close(alone, [out[one] for out in expected], atol=1e-5, rtol=0)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_state_dict_and_a_saved_folder_give_the_same(
    file, make_network, network_inputs, tmp_path
):
    net, filled = make_network(file).eval(), make_network(file).eval()
    expected = outputs(net, *network_inputs())
    torch.nn.init.zeros_(next(filled.parameters()))
    filled.load_state_dict(net.state_dict())
    copies = [filled]
    if not any(isinstance(module, Frozen) for module in net.modules()):
        net.save_pretrained(tmp_path)
        copies.append(GROUPS[file.parent.name].from_pretrained(tmp_path))
    for copy in copies:
        for found, out in zip(outputs(copy, *network_inputs()), expected, strict=True):
            assert torch.equal(found, out)
        for shape in ("noise_shape", "sample_shape"):
            assert getattr(copy, shape, None) == getattr(net, shape, None)


@pytest.mark.parametrize(("file", "changes", "sentence"), fitting(MISTAKES), ids=name)
def test_wrong_arguments_are_sentences(file, changes, sentence, make_network):
    with pytest.raises(ValueError, match=sentence):
        make_network(file, **changes)
