"""Inception's features: shape, order of distances with the real weights, and errors."""

import json
import os
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hydra.utils import instantiate
from PIL import Image
from torch import Tensor, nn

from textgan import image
from textgan.image_encoder import Inception
from textgan.image_encoder.inception import _resize
from textgan.metric import FID
from textgan.types import Evaluation


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


def test_the_layers_of_shallower_features_are_the_deeper_ones_first_layers(weights):
    deep, shallow = Inception(1280, weights=weights), Inception(192, weights=weights)
    names = list(shallow.state_dict())
    assert names == list(deep.state_dict())[: len(names)]
    x = torch.randn(1, 3, 75, 75)
    assert torch.equal(deep.layers[: len(shallow.layers)](x), shallow.layers(x))


def test_an_average_pool_leaves_the_padding_out(weights):
    pool = Inception(768, weights=weights).layers.mixed_7.tower_2.pool
    assert torch.equal(pool(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_pictures_do_not_depend_on_the_batch_around_them(weights):
    net = Inception(192, weights=weights)
    images = some(3)
    torch.testing.assert_close(net(images)[1:2], net(images[1:2]))


def test_building_it_draws_no_random_number(weights):
    before = torch.get_rng_state()
    Inception(64, weights=weights)
    assert torch.equal(before, torch.get_rng_state())


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


def test_what_is_wrong_is_said_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("TEXTGAN_INCEPTION", raising=False)
    with pytest.raises(ValueError, match="feature must be one of 64, 192, 768, 1280, got 2048"):
        Inception(2048)
    with pytest.raises(FileNotFoundError, match="weights or the environment variable TEXTGAN_INCE"):
        Inception(64)
    with pytest.raises(FileNotFoundError, match=r"weights must name Inception's \.npz file, got"):
        Inception(64, weights=str(tmp_path / "none.npz"))
    monkeypatch.setenv("TEXTGAN_INCEPTION", str(tmp_path / "none.npz"))
    with pytest.raises(FileNotFoundError, match="variable TEXTGAN_INCEPTION must name"):
        Inception(64)
    text = tmp_path / "text.npz"
    text.write_text("no arrays")
    with pytest.raises(ValueError, match=r"text\.npz must be a \.npz file"):
        Inception(64, weights=str(text))


def test_missing_and_misshapen_arrays_are_named(tmp_path):
    file = tmp_path / "weights.npz"
    np.savez(file, **{"conv.weight": np.zeros((32, 3, 3, 3), np.float32)})
    with pytest.raises(ValueError, match=r"lacks the array conv\.bias"):
        Inception(64, weights=str(file))
    shapes = {"conv": (32, 3, 3, 3), "conv_1": (32, 32, 3, 3), "conv_2": (64, 32, 3, 3)}
    arrays = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    arrays |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    np.savez(file, **arrays)
    assert Inception(64, weights=str(file))(some(1)).eq(0).all()
    np.savez(file, **arrays | {"conv_1.weight": np.zeros((32, 32, 5, 5), np.float32)})
    with pytest.raises(ValueError, match=r"conv_1\.weight must be floats \(32, 32, 3, 3\), got"):
        Inception(64, weights=str(file))


def test_other_pictures_than_rgb_bytes_are_refused(weights):
    net = Inception(64, weights=weights)
    with pytest.raises(ValueError, match=r"must be \(B, 3, H, W\) uint8, got"):
        net(some(1).float())


def test_the_configuration_builds_a_metric_with_an_honest_name(weights, monkeypatch):
    monkeypatch.setenv("TEXTGAN_INCEPTION", weights)
    path = Path(__file__).parents[2] / "conf" / "metric" / "fid_768.yaml"
    metric = instantiate(yaml.safe_load(path.read_text()))
    metric.update(Evaluation(["", ""], torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 3, 8, 8)))
    assert metric.compute() == {"fid_768": 0.0, "n": 2.0}


def sample(folder: Path, n: int) -> Tensor:
    """n pictures spread over a data set, at 64 pixels, (n, 3, 64, 64) in [-1, 1]."""
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
