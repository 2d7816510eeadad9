"""What every discriminator of `conf/discriminator` keeps beside the contract of all networks."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from textgan.discriminator import Discriminator
from textgan.types import TextFeatures

FOLDER = Path(__file__).parents[2] / "conf" / "discriminator"
FILES = [file for file in sorted(FOLDER.glob("*.yaml")) if "latent" not in file.stem]
VARIANTS = [{}, {"word_attention": True}, {"unconditional": True}, {"pixel_width": 0}]
CASES = [(f, changes) for f in FILES for changes in VARIANTS if {*changes} <= {*OmegaConf.load(f)}]


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0].stem, *case[1]]))
def net(request, make_network) -> Discriminator:
    file, changes = request.param
    return make_network(file, **changes).eval()


def test_its_output_has_the_stated_shapes(net, network_inputs):
    _, images, text = network_inputs()
    out = net(images, text)
    assert out.logits.shape == (3, out.logits.shape[1])
    assert (out.text_logits > 0) == net.reads_text
    assert out.text_logits <= out.logits.shape[1]
    assert out.pooled.shape == out.text.shape
    assert out.pooled.shape[1] % 8 == 0  # text_width for each head
    sizes = [feature.shape[-1] for feature in out.features]
    assert sizes == sorted(sizes, reverse=True)
    assert all(len(feature) == 3 for feature in out.features)


def test_the_features_of_an_image_are_scored_against_several_texts(net, network_inputs):
    _, images, text = network_inputs()
    features = net.features(images)
    other = TextFeatures(text.words.flip(0), text.mask.flip(0), text.pooled.flip(0))
    for one in (text, other):
        torch.testing.assert_close(net.score(features, one).logits, net(images, one).logits)


def test_it_says_which_logits_depend_on_the_text(net, network_inputs):
    _, images, text = network_inputs()
    out = net(images, text)
    other = net(images, TextFeatures(text.words, text.mask, -text.pooled)).logits
    assert ((out.logits - other)[:, : out.text_logits].abs() > 1e-4).all()
    assert torch.equal(out.logits[:, out.text_logits :], other[:, out.text_logits :])
    assert torch.equal(out.matching(), out.logits[:, : out.text_logits])


def test_image_features_do_not_depend_on_the_text(net, network_inputs):
    _, images, text = network_inputs()
    other = TextFeatures(text.words.flip(0), text.mask.flip(0), text.pooled.flip(0))
    torch.testing.assert_close(net(images, text).pooled, net(images, other).pooled)
