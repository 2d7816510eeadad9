"""Inception's features: shape, order of distances with the real weights, and errors."""

import hashlib
import json
import os
from collections import OrderedDict
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image
from torch import Tensor, nn

from textgan import image
from textgan.extractor import Inception
from textgan.extractor.inception import _resize
from textgan.metric import FID
from textgan.types import Evaluation

CONF = Path(__file__).parents[2] / "conf" / "metric"


@pytest.fixture(scope="module")
def weights() -> str:
    """The path of the real weights, or skip."""
    named = os.environ.get("TEXTGAN_INCEPTION")
    data = os.environ.get("TEXTGAN_DATA")
    if not named and data:
        folder = Path(data).parent / "weights" / "fid-inception-2015"
        named = str(folder / "inception_2015_upto_mixed8.npz")
    if not named or not Path(named).is_file():
        pytest.skip("TEXTGAN_INCEPTION does not name Inception's weights")
    return named


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of data sets, or skip."""
    folder = os.environ.get("TEXTGAN_DATA")
    if not folder:
        pytest.skip("TEXTGAN_DATA is unset")
    return Path(folder)


@pytest.fixture
def shallow(tmp_path: Path) -> Path:
    """A .npz of random weights that ends where the 64 features do."""
    generator = np.random.default_rng(0)
    shapes = {"conv": (32, 3, 3, 3), "conv_1": (32, 32, 3, 3), "conv_2": (64, 32, 3, 3)}
    arrays = {f"{name}.weight": generator.normal(0, 0.1, shape) for name, shape in shapes.items()}
    arrays |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    file = tmp_path / "shallow.npz"
    np.savez(file, **arrays)
    return file


def some(n: int, size: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("feature", [64, 192, 768, 1280])
def test_each_feature_has_its_width_and_is_frozen(weights, feature):
    net = Inception(feature, weights=weights)
    features = net(some(2))
    assert features.shape == (2, feature)
    assert features.dtype == torch.float32
    assert not features.requires_grad
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert not any(module.training for module in net.train().modules())
    assert net.num_features == feature
    assert net.tap == str(feature)


def test_one_deep_pass_has_the_outputs_of_all_shallower_ones(weights):
    deep, shallow = Inception(1280, weights=weights), Inception(192, weights=weights)
    assert deep.depth > shallow.depth
    assert deep.network() == shallow.network()
    images = some(2)
    found = deep.outputs(images, ["1280", "192"])
    assert list(found) == ["1280", "192"]
    assert torch.equal(found["192"], shallow(images))
    assert torch.equal(found["1280"], deep(images))
    names = list(shallow.state_dict())
    assert names == list(deep.state_dict())[: len(names)]


def test_images_do_not_depend_on_the_batch_around_them(weights):
    net = Inception(192, weights=weights)
    images = some(3)
    torch.testing.assert_close(net(images)[1:2], net(images[1:2]))


def test_more_images_than_64_are_processed_in_parts(shallow):
    net = Inception(64, weights=str(shallow))
    net.load()
    seen = []

    class Corner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return x[:, :, :2, :2]

    net.layers = nn.Sequential(OrderedDict(pool=Corner()))
    images = some(130, 8)
    features = net(images)
    assert seen == [64, 64, 2]
    assert torch.equal(features, torch.cat([net(picture) for picture in images.split(1)]))
    assert net(images[:0]).shape == (0, 3)


def test_no_file_is_read_before_the_first_images_and_then_once(shallow):
    net = Inception(64, weights=str(shallow))
    assert not list(net.parameters())
    features = net(some(1))
    assert features.any()
    shallow.unlink()
    net.load()
    assert torch.equal(net(some(1)), features)


def test_building_and_loading_it_draw_no_random_number(shallow):
    before = torch.get_rng_state()
    Inception(64, weights=str(shallow)).load()
    assert torch.equal(before, torch.get_rng_state())


def test_weights_go_where_the_module_was_moved_before(shallow):
    net = Inception(64, weights=str(shallow)).to("meta")
    net.load()
    assert {parameter.device.type for parameter in net.parameters()} == {"meta"}


def test_its_name_and_protocol_are_those_of_the_very_file(shallow, tmp_path):
    digest = hashlib.sha256(shallow.read_bytes()).hexdigest()
    net = Inception(64, weights=str(shallow))
    assert net.network() == f"inception-2015-12-05:{digest[:16]}"
    protocol = json.loads(json.dumps(net.protocol()))
    assert protocol["network"] == "inception-2015-12-05"
    assert protocol["weights_sha256"] == digest
    assert protocol["feature"] == "64"
    assert set(protocol) == {"network", "weights_sha256", "feature", "resize", "input"}
    with np.load(shallow) as file:
        arrays = dict(file)
    arrays["conv.bias"][0] += 1
    np.savez(shallow, **arrays)
    assert Inception(64, weights=str(shallow)).network() != net.network()


def test_a_tap_that_lies_deeper_or_is_none_is_refused(shallow):
    net = Inception(64, weights=str(shallow))
    for tap in ("192", "65"):
        with pytest.raises(ValueError, match=rf"taps of Inception\(64\) are 64, got '{tap}'"):
            net.outputs(some(1), ["64", tap])


def test_the_resize_is_tensorflows():
    """Corner pixels stay where they are: output i looks at i * H / 299."""
    images = torch.rand(1, 1, 64, 48)
    resized = _resize(images)
    assert resized.shape == (1, 1, 299, 299)
    for row, column in ((0, 0), (150, 7), (298, 298), (13, 298)):
        y, x = row * 64 / 299, column * 48 / 299
        top, left = int(y), int(x)
        below, right = min(top + 1, 63), min(left + 1, 47)
        a, b = y - top, x - left
        pixels = images[0, 0]
        by_hand = (1 - a) * ((1 - b) * pixels[top, left] + b * pixels[top, right])
        by_hand += a * ((1 - b) * pixels[below, left] + b * pixels[below, right])
        assert resized[0, 0, row, column].item() == pytest.approx(by_hand.item(), abs=1e-5)
    same = torch.rand(1, 3, 299, 299)
    assert torch.equal(_resize(same), same)


@pytest.mark.parametrize("feature", [2000, "Logits", True])
def test_a_feature_that_is_none_is_refused_at_once(feature):
    rule = f"feature must be one of 64, 192, 768, 1280, 2048, logits, got {feature!r}"
    with pytest.raises(ValueError, match=rule):
        Inception(feature)


def test_other_images_than_rgb_bytes_are_refused(shallow):
    net = Inception(64, weights=str(shallow))
    with pytest.raises(ValueError, match=r"must be \(B, 3, H, W\) uint8, got"):
        net(some(1).float())


def test_the_configuration_builds_a_metric_of_the_right_name(weights, monkeypatch, load_choice):
    monkeypatch.setenv("TEXTGAN_INCEPTION", weights)
    metric = instantiate(load_choice(CONF / "fid_768.yaml"))
    metric.update(Evaluation(["", ""], torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 3, 8, 8)))
    assert metric.compute() == pytest.approx({"fid_768": 0.0, "n": 2.0})
    assert metric.protocol()["arguments"]["extractor"]["feature"] == "768"


def test_fid_itself_is_of_the_2048_features_and_is_built_without_weights(monkeypatch, load_choice):
    monkeypatch.delenv("TEXTGAN_INCEPTION", raising=False)
    metric = instantiate(load_choice(CONF / "fid.yaml"))
    assert metric.name == "fid"
    assert (metric.extractor.tap, metric.extractor.num_features) == ("2048", 2048)


def sample(folder: Path, n: int) -> Tensor:
    """n images spread over a data set, at 64 pixels, (n, 3, 64, 64) in [-1, 1]."""
    lines = (folder / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    chosen = [lines[place * len(lines) // n] for place in range(n)]
    files = [Image.open(folder / json.loads(line)["file"]) for line in chosen]
    return torch.stack([image.from_pil(file.resize((64, 64))) for file in files])


@pytest.mark.slow
def test_photographs_are_nearer_to_photographs_than_blurs_emoji_and_noise(weights, data):
    photographs = sample(data / "flickr8k-128", 80)
    real, other = photographs[:40], photographs[40:]
    blurred = nn.functional.interpolate(
        nn.functional.interpolate(other, size=12, mode="area"), size=64, mode="bilinear"
    )
    noise = torch.rand(other.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    fid = FID(Inception(768, weights=weights), name="fid_768")
    fid.update(Evaluation([], real, real[:0, None]))
    values = []
    for fake in (other, blurred, sample(data / "emoji-noto", 40), noise):
        copy = deepcopy(fid)
        copy.update(Evaluation([""] * 40, real[:0], fake[:, None]))
        values.append(copy.compute()["fid_768"])
    assert values == sorted(values)
    assert values[1] > 1.2 * values[0]
