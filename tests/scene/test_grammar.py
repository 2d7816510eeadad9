"""Grammar and sampling of scenes."""

from itertools import combinations, product

import numpy as np
import pytest
import torch

from textgan.scene import HELD_OUT, RELATIONS, Scene, SceneObject, caption, check_pairs, parse
from textgan.scene.grammar import BACKGROUNDS, COLOURS, SHAPES
from textgan.scene.layout import place
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys, relation_chains, uniforms

NORMAL = {"textures": ["plain"], "relations": ["left of", "right of", "above", "below"]}
KEY = keys(0, 0, range(400))


def test_captions_read_as_stated():
    red = SceneObject("large", "red", "circle")
    blue = SceneObject("small", "blue", "square", "striped")
    green = SceneObject("small", "green", "star")
    assert caption(Scene((green,), (), "black")) == "a small green star on a black background"
    assert caption(Scene((red, blue), ("above",), "white")) == (
        "a large red circle above a small striped blue square on a white background"
    )
    assert caption(Scene((red, blue, green), ("in front of", "left of"), "gray")) == (
        "a large red circle in front of a small striped blue square, "
        "which is left of a small green star on a gray background"
    )


@pytest.mark.parametrize("max_objects", [2, 4])
def test_parse_is_the_inverse_of_caption(max_objects):
    scenes = SceneSampler(max_objects=max_objects).sample(KEY)
    assert [parse(caption(scene)) for scene in scenes] == scenes
    assert len({len(scene.objects) for scene in scenes}) == max_objects


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a red circle on a white background",
        "a large red circle on a red background",
        "a large red circle above a small blue square",
        "a large red star above a small red ring left of a small red cross on a gray background",
        "a large red circle, which is above a small blue square on a white background",
        "A large red circle on a white background",
        "a large plain red circle on a white background",
    ],
)
def test_a_caption_outside_the_grammar_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match=r"caption must read .* got ") as error:
        parse(text)
    assert repr(text) in str(error.value)
    assert "\n" not in str(error.value)


def test_colours_and_backgrounds_are_well_apart():
    palette = [*COLOURS.values(), *BACKGROUNDS.values()]
    distances = [np.linalg.norm(np.subtract(a, b)) for a, b in combinations(palette, 2)]
    assert min(distances) >= 95


def test_held_out_pairs_leave_each_colour_and_each_shape_in_many_seen_ones():
    seen = [pair for pair in product(COLOURS, SHAPES) if pair not in HELD_OUT]
    assert min(sum(c == colour for c, _ in seen) for colour in COLOURS) >= 5
    assert min(sum(s == shape for _, s in seen) for shape in SHAPES) >= 6
    assert check_pairs(None, ["red"], SHAPES) == (("red", "star"),)
    assert check_pairs([["red", "ring"]]) == (("red", "ring"),)


def test_uniforms_are_uniform_and_independent_of_their_neighbours():
    u = uniforms(keys(3, 1, range(1000)), 0, 40)  # (1000, 40)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.005
    assert abs(u.var() - 1 / 12) < 0.002
    assert abs(np.corrcoef(u.T)[np.triu_indices(40, 1)]).max() < 0.15
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < 0.1


def test_keys_differ_by_seed_stream_and_position():
    assert (
        len({int(k) for seed in (0, 1) for s in (0, 1) for k in keys(seed, s, range(500))}) == 2000
    )


def test_a_scene_and_its_image_do_not_depend_on_the_batch():
    sampler = SceneSampler(max_objects=4)

    def draw(key):
        scenes = sampler.sample(key)
        return scenes, render(scenes, place(scenes, key, rotate=True), 32)

    scenes, images = draw(KEY[:40])
    for part in (slice(0, 1), slice(7, 19), slice(39, 40)):
        some, again = draw(KEY[part])
        assert some == scenes[part]
        assert torch.equal(again, images[part])


def test_names_are_drawn_equally_often():
    scenes = SceneSampler(**NORMAL, held_out=[]).sample(keys(0, 0, range(6000)))
    pairs = [thing.pair for scene in scenes for thing in scene.objects]
    expected = len(pairs) / 48
    counts = [pairs.count(pair) for pair in product(COLOURS, SHAPES)]
    assert sum((count - expected) ** 2 / expected for count in counts) < 80  # chi-squared, 47 df
    for relation in NORMAL["relations"]:
        assert abs(sum(scene.relations == (relation,) for scene in scenes) - 750) < 110


def test_training_scenes_hold_no_held_out_pair_and_held_out_scenes_exactly_one():
    sampler = SceneSampler(max_objects=4)
    assert not any(scene.has_pair(HELD_OUT) for scene in sampler.sample(KEY))
    for scene in sampler.sample(KEY, np.ones(len(KEY), dtype=bool)):
        assert sum(thing.pair in HELD_OUT for thing in scene.objects) == 1


def test_objects_of_a_scene_differ_and_front_ones_differ_in_colour():
    for scene in SceneSampler(max_objects=4).sample(KEY):
        assert len({thing.pair for thing in scene.objects}) == len(scene.objects)
        for relation, one, two in zip(
            scene.relations, scene.objects, scene.objects[1:], strict=False
        ):
            assert relation != "in front of" or one.colour != two.colour


def test_relation_chains_never_run_twice_in_one_direction():
    chains = relation_chains(list(RELATIONS), 2)
    assert ("left of", "left of") not in chains
    assert ("left of", "right of") not in chains
    assert ("left of", "above") in chains
    assert ("in front of", "in front of") not in chains
    assert len(relation_chains(NORMAL["relations"], 3)) == 8  # round the four cells, either way


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"colours": ["red", "mauve"]}, "colours must be .* got .*mauve"),
        ({"shapes": []}, "shapes must be"),
        ({"sizes": ["small", "small"]}, "sizes must be"),
        ({"held_out": [["red", "blob"]]}, "held_out must be .* got .*blob"),
        ({"held_out": [["red"]]}, "held_out must be"),
        (
            {"shapes": ["star", "ring"], "held_out": [["red", "star"], ["red", "ring"]]},
            "each colour",
        ),
        ({"min_objects": 3, "max_objects": 2}, "min_objects and max_objects must"),
        ({"max_objects": 5}, "got 1 and 5"),
        ({"relations": ["in front of"]}, "side by side"),
        ({"relations": ["left of"], "max_objects": 3}, "place 3 objects"),
        ({"colours": ["cyan"], "shapes": ["star"]}, "max_objects must be at most .* got 2 and 1"),
    ],
)
def test_a_choice_that_leaves_no_scene_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SceneSampler(**arguments)


def test_a_near_miss_differs_and_brings_no_held_out_pair():
    sampler = SceneSampler(max_objects=4)
    scenes = sampler.sample(KEY)
    for scene, wrong in zip(scenes, sampler.negatives(scenes, KEY), strict=True):
        assert wrong != scene
        assert parse(caption(wrong)) == wrong
        assert len(wrong.objects) == len(scene.objects)
        assert not wrong.has_pair(HELD_OUT)
        words, others = caption(scene).split(), caption(wrong).split()
        if len(words) == len(others):  # a texture is one word more
            assert 1 <= sum(a != b for a, b in zip(words, others, strict=True)) <= 2


def test_near_misses_are_of_every_kind():
    sampler = SceneSampler(**NORMAL, min_objects=2)
    scenes = sampler.sample(KEY)
    kinds = set()
    for scene, wrong in zip(scenes, sampler.negatives(scenes, KEY), strict=True):
        kinds.add((scene.background != wrong.background, scene.relations != wrong.relations))
        for field in ("size", "colour", "shape"):
            old, new = ([getattr(thing, field) for thing in s.objects] for s in (scene, wrong))
            if old != new:
                kinds.add((field, sorted(old) == sorted(new)))
    assert kinds >= {(True, False), (False, True), *product(("size", "colour", "shape"), (0, 1))}
