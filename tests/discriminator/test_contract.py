"""The contract of every discriminator of `conf/discriminator`."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from textgan.discriminator import Discriminator
from textgan.image_encoder import ResNetImageEncoder
from textgan.pretrained.frozen import Frozen
from textgan.types import TextFeatures

FILES = sorted((Path(__file__).parents[2] / "conf" / "discriminator").glob("*.yaml"))
SHARED = {"image_size": 16, "channels": 3, "text_width": 8}
SHAPES = [(1, 16), (4, 16), (3, 24), (3, 32), (1, 40), (3, 64), (12, 8)]  # channels, size
VARIANTS = [{}, {"word_attention": True}, {"unconditional": True}, {"pixel_width": 0}]
CASES = [(f, changes) for f in FILES for changes in VARIANTS if {*changes} <= {*OmegaConf.load(f)}]


def encoder(config: DictConfig) -> ResNetImageEncoder:
    """A small image encoder, for a discriminator that needs one."""
    return ResNetImageEncoder(
        image_size=config.image_size, channels=config.channels, width=8, base_width=4, max_width=8
    )


def make(file: Path, shared: dict | None = None, **changes) -> Discriminator:
    torch.manual_seed(0)
    config = OmegaConf.create({**SHARED, **(shared or {}), "part": OmegaConf.load(file)})
    if config.part.pop("image_encoder", None):
        changes["image_encoder"] = encoder(config)
    return instantiate(config.part, _partial_=True)(**changes)


def given(size: int = 3, channels: int = 3, image_size: int = 16):
    torch.manual_seed(1)
    mask = torch.arange(5) < torch.tensor([5, 1, 3])[:size, None]
    words = torch.randn(size, 5, SHARED["text_width"]) * mask[..., None]
    text = TextFeatures(words, mask, torch.randn(size, SHARED["text_width"]))
    return torch.rand(size, channels, image_size, image_size) * 2 - 1, text


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request) -> Path:
    return request.param


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0].stem, *case[1]]))
def net(request) -> Discriminator:
    file, changes = request.param
    return make(file, **changes).eval()


@pytest.mark.parametrize(("channels", "size"), SHAPES)
def test_its_output_has_the_stated_shapes(file, channels, size):
    if channels == 12 and "image_encoder" in OmegaConf.load(file):
        pytest.skip("an image encoder takes images only")
    net = make(file, {"image_size": size, "channels": channels})
    out = net(*given(channels=channels, image_size=size))
    assert isinstance(net, Discriminator)
    assert out.logits.shape == (3, 1)
    assert out.pooled.shape == out.text.shape
    assert len(out.pooled) == 3
    sizes = [feature.shape[-1] for feature in out.features]
    assert sizes == sorted(sizes, reverse=True)
    assert all(len(feature) == 3 for feature in out.features)


def test_the_features_of_an_image_are_scored_against_several_texts(net):
    images, text = given()
    features = net.features(images)
    other = TextFeatures(text.words.flip(0), text.mask.flip(0), text.pooled.flip(0))
    for one in (text, other):
        torch.testing.assert_close(net.score(features, one).logits, net(images, one).logits)


def test_the_first_logit_depends_on_the_text_and_a_second_does_not(net):
    images, text = given()
    logits = net(images, text).logits
    other = net(images, TextFeatures(text.words, text.mask, -text.pooled)).logits
    assert ((logits - other)[:, 0].abs() > 1e-4).all()
    assert torch.equal(logits[:, 1:], other[:, 1:])


def test_image_features_do_not_depend_on_the_text(net):
    images, text = given()
    other = TextFeatures(text.words.flip(0), text.mask.flip(0), text.pooled.flip(0))
    torch.testing.assert_close(net(images, text).pooled, net(images, other).pooled)


def test_gradient_reaches_the_images_the_text_and_every_weight(net):
    images, text = given()
    images.requires_grad_()
    text.pooled.requires_grad_()
    net(images, text).logits.sum().backward()
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()
    assert (text.pooled.grad.abs().sum(1) > 0).all()
    assert [name for name, weight in net.named_parameters() if weight.grad is None] == []


def test_padding_has_no_effect(net):
    images, text = given()
    longer = text.pad(9)
    longer.words = longer.words + 100 * torch.randn(3, 9, 8) * ~longer.mask[..., None]
    expected = net(images, text).logits
    torch.testing.assert_close(net(images, longer).logits, expected, atol=1e-5, rtol=0)


def test_an_image_has_the_same_score_alone_and_in_a_batch(net):
    images, text = given()
    logits = net(images, text).logits
    for row in range(3):
        alone = net(images[row : row + 1], text[row : row + 1]).logits
        torch.testing.assert_close(alone[0], logits[row], atol=1e-5, rtol=0)


def test_a_saved_folder_gives_the_same_scores(net, tmp_path):
    if any(isinstance(module, Frozen) for module in net.modules()):
        pytest.skip("a frozen net is saved in a folder of its own")
    net.save_pretrained(tmp_path)
    again = Discriminator.from_pretrained(tmp_path)
    assert torch.equal(again(*given()).logits, net(*given()).logits)


def test_a_state_dict_gives_the_same_scores(file):
    net, again = make(file), make(file)
    torch.nn.init.zeros_(next(again.parameters()))
    assert not torch.equal(again(*given()).logits, net(*given()).logits)
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(*given()).logits, net(*given()).logits)


@pytest.mark.parametrize(
    ("shared", "changes", "sentence"),
    [
        ({"image_size": 20}, {}, "multiple of 8 from 8 to 256, got .*20"),
        ({}, {"num_heads": 5}, "width must be divisible by num_heads, got .* and 5"),
        ({}, {"attention_resolutions": [7]}, r"attention_resolutions must be .*, got \[7\]"),
        ({}, {"width": 0, "pixel_width": 4}, "width must be at least 1, got 0"),
        ({}, {"pixel_width": -1}, "pixel_width must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_sentences(file, shared, changes, sentence):
    if missing := changes.keys() - OmegaConf.load(file).keys():
        pytest.skip(f"{file.stem} has no {missing.pop()}")
    with pytest.raises(ValueError, match=sentence):
        make(file, shared, **changes)
