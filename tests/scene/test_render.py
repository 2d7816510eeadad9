"""Layouts agree with captions, and images with layouts."""

from itertools import combinations

import numpy as np
import pytest
import torch

from textgan.image import to_unit
from textgan.scene import RELATIONS, Scene, SceneObject
from textgan.scene.grammar import BACKGROUNDS, COLOURS, SHAPES
from textgan.scene.layout import place
from textgan.scene.outline import coverage
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys

NORMAL = {"textures": ["plain"], "relations": ["left of", "right of", "above", "below"]}
KEY = keys(0, 0, range(400))


def covered(scenes: list[Scene], layout: np.ndarray, k: int, image_size: int) -> np.ndarray:
    """(B, H, W): how much of each pixel object k of each scene covers."""
    pixels = np.tile(np.arange(image_size), (len(scenes), 1))
    shape = np.array([SHAPES.index(scene.objects[k].shape) for scene in scenes])
    spots = (layout[:, k] * [image_size, image_size, image_size, 1]).astype(np.float32)
    return coverage(shape, np.zeros_like(shape), spots, pixels, pixels)[0]


@pytest.mark.parametrize(("rotate", "spread"), [(False, 1.0), (True, 1.0), (False, 0.4)])
def test_layouts_are_true_to_the_relations_inside_and_without_overlap(rotate, spread):
    scenes = SceneSampler(**NORMAL, min_objects=2, max_objects=4).sample(KEY)
    layout = place(scenes, KEY, rotate=rotate, spread=spread)
    for scene, spots in zip(scenes, layout, strict=True):
        for k, name in enumerate(scene.relations):
            x, y = spots[k + 1, :2] - spots[k, :2]
            step = np.array(RELATIONS[name])
            assert np.array([x, y]) @ step > 0
            assert abs(np.array([x, y]) @ step[::-1]) <= 0.7501 * abs(np.array([x, y]) @ step)
    for n in (2, 3, 4):
        rows = [i for i, scene in enumerate(scenes) if len(scene.objects) == n]
        some = [scenes[i] for i in rows]
        masks = [covered(some, layout[rows], k, 64) for k in range(n)]
        for mask in masks:
            border = [mask[:, 0], mask[:, -1], mask[..., 0], mask[..., -1]]
            assert max(edge.max() for edge in border) == 0
        for one, two in combinations(masks, 2):
            assert (one * two).max() == 0


def test_spread_is_the_share_of_the_room_that_is_used():
    scenes = [Scene((SceneObject("small", "red", "circle"),), (), "white")] * 400
    wide, half, none = (place(scenes, KEY, spread=s)[:, 0, :2] for s in (1.0, 0.5, 0.0))
    assert np.allclose(none, 0.5)
    assert np.allclose(half - 0.5, (wide - 0.5) / 2)
    assert np.ptp(wide, axis=0).min() > 0.45

    two = SceneObject("small", "blue", "ring")
    pair = [Scene((scenes[0].objects[0], two), ("left of",), "white")] * 400
    wide, half, none = (place(pair, KEY, spread=s)[..., :2] for s in (1.0, 0.5, 0.0))
    assert np.all(none.std(0) < 0.01)  # the radii still vary
    assert np.all(half.std(0) < 0.7 * wide.std(0))


def test_an_object_in_front_hides_a_part_of_the_other():
    sampler = SceneSampler(textures=["plain"], min_objects=2)
    chosen = [i for i, s in enumerate(sampler.sample(KEY)) if s.relations == ("in front of",)]
    key = KEY[chosen]
    scenes = sampler.sample(key)
    layout = place(scenes, key, rotate=True)
    front, back = (covered(scenes, layout, k, 64) for k in (0, 1))
    shared = (front * back).sum((1, 2)) / back.sum((1, 2))
    assert (shared > 0.01).mean() > 0.95
    assert (shared < 0.6).mean() > 0.95
    images = render(scenes, layout, 64)
    both = front * back == 1
    for scene, image, where in zip(scenes, images, both, strict=True):
        colour = torch.tensor(COLOURS[scene.objects[0].colour]) / 255
        seen = to_unit(image.permute(1, 2, 0))[torch.from_numpy(where)]
        torch.testing.assert_close(seen, colour.expand_as(seen), atol=1e-5, rtol=0)


def test_a_caption_without_room_is_refused():
    names = ["red", "blue", "green", "pink"]
    things = tuple(SceneObject("large", colour, "square") for colour in names)
    scene = Scene(things, ("left of",) * 3, "white")
    with pytest.raises(ValueError, match="caption must leave room for its objects, got 'a large"):
        place([scene], KEY[:1])


@pytest.mark.parametrize("image_size", [32, 100, 256])
def test_images_have_the_palette_and_stay_in_range(image_size):
    scenes = SceneSampler(**NORMAL).sample(KEY[:8])
    images = render(scenes, place(scenes, KEY[:8]), image_size)
    assert images.shape == (8, 3, image_size, image_size)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1
    for scene, image in zip(scenes, images, strict=True):
        names = [BACKGROUNDS[scene.background], *[COLOURS[t.colour] for t in scene.objects]]
        for rgb in names:
            away = (to_unit(image) - torch.tensor(rgb)[:, None, None] / 255).abs().amax(0)
            assert away.min() < 1e-5


def test_antialiasing_keeps_the_area_at_every_size():
    scenes = [
        Scene((SceneObject(size, "red", shape),), (), "black")
        for size in ("small", "large")
        for shape in SHAPES
    ]
    layout = place(scenes, KEY[: len(scenes)])
    areas = []
    for image_size in (32, 256):
        red = to_unit(render(scenes, layout, image_size))[:, 0] * 255 / COLOURS["red"][0]
        areas.append(red.sum((1, 2)) / image_size**2)
    torch.testing.assert_close(areas[0], areas[1], rtol=0.05, atol=0)
    circle = SHAPES.index("circle")
    torch.testing.assert_close(
        areas[1][circle], torch.tensor(np.pi * layout[circle, 0, 2] ** 2).float(), rtol=0.01, atol=0
    )


def test_textures_show_both_shades_and_plain_objects_one():
    shades = []
    for texture in ("plain", "striped", "dotted"):
        scene = Scene((SceneObject("large", "blue", "circle", texture),), (), "black")
        image = render([scene], place([scene], KEY[:1]), 64)[0]
        blue = torch.tensor(COLOURS["blue"]) / 127.5 - 1
        inside = image[2] > 0.5
        shades.append(((image[:, inside] - blue[:, None]).abs().amax(0) > 0.3).float().mean())
    assert shades[0] == 0
    assert abs(shades[1] - 0.5) < 0.15
    assert abs(shades[2] - 0.28) < 0.15
