"""Reading shapes: right on real images, soft and noisy ones, and wrong where an image is."""

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from textgan.metric import ShapeAlignment
from textgan.scene import HELD_OUT, caption, parse
from textgan.scene.layout import place
from textgan.scene.reading import read
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys
from textgan.types import Evaluation

NORMAL = {"textures": ["plain"], "relations": ["left of", "right of", "above", "below"]}
WHITE_CIRCLE = "a small red circle on a white background"
TWO = "a small red circle left of a large blue square on a white background"


def pictures(n: int, image_size: int, *, hard: bool = False) -> tuple[list[str], Tensor]:
    """Fresh scenes, every other one with a held-out pair."""
    key = keys(11, 7, range(n))
    sampler = SceneSampler(max_objects=4) if hard else SceneSampler(**NORMAL)
    scenes = sampler.sample(key, key % 2 == 0)
    images = render(scenes, place(scenes, key, rotate=hard), image_size)
    return [caption(scene) for scene in scenes], images


def picture_of(text: str, image_size: int = 32) -> Tensor:
    return render([parse(text)], place([parse(text)], keys(0, 7, [0])), image_size)


def score(captions: list[str], images: Tensor, **arguments) -> dict[str, float]:
    metric = ShapeAlignment(**arguments)
    metric.update(Evaluation(captions, None, images[:, None]))
    return metric.compute()


@pytest.mark.parametrize("image_size", [32, 64])
def test_real_images_are_right(image_size):
    values = score(*pictures(300, image_size))
    assert values["all"] >= 0.995
    assert values["n"] == 300
    assert min(values.values()) >= 0.995


@pytest.mark.parametrize("image_size", [32, 64])
def test_soft_and_noisy_images_are_read_too(image_size):
    captions, images = pictures(200, image_size)
    sigma = 0.6 * image_size / 32
    soft = torch.from_numpy(gaussian_filter(images.numpy(), (0, 0, sigma, sigma), mode="nearest"))
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    assert score(captions, soft)["all"] >= 0.97
    assert score(captions, images + 0.1 * noise)["all"] >= 0.97


@pytest.mark.slow
def test_hard_images_are_mostly_right():
    values = score(*pictures(60, 64, hard=True), hard=True)
    assert values["all"] >= 0.9
    assert values["texture"] >= 0.93
    assert values["relation"] >= 0.9


def test_a_near_miss_is_wrong_in_what_was_edited():
    key = keys(12, 7, range(120))
    sampler = SceneSampler(**NORMAL)
    scenes = sampler.sample(key)
    wrong = [caption(scene) for scene in sampler.negatives(scenes, key)]
    images = render(scenes, place(scenes, key), 32)
    assert score(wrong, images)["all"] == 0
    changed = [s.background != parse(w).background for s, w in zip(scenes, wrong, strict=True)]
    values = score(
        [w for w, c in zip(wrong, changed, strict=True) if c], images[torch.tensor(changed)]
    )
    assert values["background"] == 0
    assert min(values[name] for name in ("colour", "shape", "size", "count", "relation")) == 1


def test_a_missing_object_makes_its_attributes_the_count_and_the_relation_wrong():
    values = score([TWO], picture_of(WHITE_CIRCLE))
    assert values["background"] == 1
    for name in ("all", "colour", "shape", "size", "count", "relation"):
        assert values[name] == 0


def test_an_object_too_many_makes_only_the_count_wrong():
    values = score([WHITE_CIRCLE], picture_of(TWO))
    assert (values["all"], values["count"]) == (0, 0)
    for name in ("background", "colour", "shape", "size"):
        assert values[name] == 1
    assert "relation" not in values


def test_mirroring_an_image_makes_only_the_relation_wrong():
    values = score([TWO], picture_of(TWO).flip(3))
    assert (values["all"], values["relation"]) == (0, 0)
    assert min(values[name] for name in ("colour", "shape", "size", "count", "background")) == 1


def test_one_wrong_object_of_two_makes_the_attribute_wrong():
    values = score([TWO.replace("red", "green")], picture_of(TWO))
    assert (values["colour"], values["shape"], values["relation"]) == (0, 1, 1)


def test_seen_and_held_out_captions_are_told_apart():
    seen, held_out = WHITE_CIRCLE, "a small red star on a white background"
    assert parse(held_out).has_pair(HELD_OUT)
    images = torch.cat([picture_of(seen)] * 2)
    values = score([seen, held_out], images)
    assert (values["shape"], values["shape_seen"], values["shape_held_out"]) == (0.5, 1, 0)
    assert (values["all_seen"], values["all_held_out"]) == (1, 0)
    assert (values["n"], values["n_seen"], values["n_held_out"]) == (2, 1, 1)
    assert "all_held_out" not in score([seen, held_out], images, held_out=[])


def test_captions_of_one_and_of_two_objects_are_told_apart():
    values = score([WHITE_CIRCLE, TWO, TWO], torch.cat([picture_of(WHITE_CIRCLE)] * 3))
    assert (values["all_one"], values["all_two"]) == (1, 0)
    assert "all_three" not in values


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_noise_images_count_nothing_right(value):
    generator = torch.Generator().manual_seed(0)
    images = value * torch.randn(8, 3, 32, 32, generator=generator).clamp(-1, 1)
    values = score([TWO] * 8, images)
    assert max(values[name] for name in ("all", "colour", "shape", "relation")) == 0


def test_batches_add_up():
    captions, images = pictures(40, 32)
    images = images.roll(1, 0)  # so that most are wrong
    metric = ShapeAlignment()
    for part in (slice(0, 7), slice(7, 40)):
        metric.update(Evaluation(captions[part], None, images[part, None]))
    assert metric.compute() == score(captions, images)
    assert 0 < metric.compute()["count"] < 1


def test_only_the_first_sample_counts():
    first, second = picture_of(WHITE_CIRCLE), picture_of(TWO)
    metric = ShapeAlignment()
    metric.update(Evaluation([WHITE_CIRCLE], None, torch.stack([first, second], 1)))
    assert metric.compute()["all"] == 1


def test_what_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match=r"caption must read"):
        score(["a dog"], picture_of(TWO))
    with pytest.raises(ValueError, match=r"images must be \(B, 3, H, H\), got"):
        read(torch.zeros(2, 1, 32, 32))
    with pytest.raises(ValueError, match=r"images must be finite"):
        read(torch.full((1, 3, 32, 32), torch.nan))
    with pytest.raises(ValueError, match=r"held_out must be"):
        ShapeAlignment(held_out=[["red", "dog"]])
