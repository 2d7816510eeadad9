"""Diversity of draws of one caption, against that of real scenes."""

import pytest
import torch

from textgan.metric import ShapeDiversity
from textgan.scene import caption, parse
from textgan.scene.layout import place
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys
from textgan.types import Evaluation

ONE = "a large red circle on a black background"


def captions(n: int) -> list[str]:
    sampler = SceneSampler(textures=["plain"], relations=["left of", "above"])
    return [caption(scene) for scene in sampler.sample(keys(5, 9, range(n)))]


def real_draws(texts: list[str], k: int = 10) -> torch.Tensor:
    draws = []
    for row, text in enumerate(texts):
        scenes = [parse(text)] * k
        draws.append(render(scenes, place(scenes, keys(6, row, range(k))), 32))
    return torch.stack(draws)


def score(texts: list[str], draws: torch.Tensor) -> dict[str, float]:
    metric = ShapeDiversity()
    metric.update(Evaluation(texts, None, draws))
    return metric.compute()


def test_equal_samples_have_none():
    assert score([ONE], real_draws([ONE], 1).repeat(1, 10, 1, 1, 1))["diversity"] == 0


def test_real_scenes_have_the_diversity_of_real_scenes():
    texts = captions(60)
    values = score(texts, real_draws(texts))
    assert values["diversity"] == pytest.approx(1, abs=0.05)
    assert values["n"] == 60


def test_real_scenes_stray_as_far_as_the_data():
    wide, near = (ShapeDiversity(spread=spread) for spread in (1.0, 0.0))
    for metric in (wide, near):
        metric.update(Evaluation([ONE], None, real_draws([ONE])))
    assert near.compute()["deviation_real"] < 0.3 * wide.compute()["deviation_real"]


def test_deviation_is_in_units_of_black_to_white():
    draws = torch.ones(2, 10, 3, 16, 16)
    draws[:, :5] = -1  # half black, half white: a standard deviation of 1/2
    assert score([ONE] * 2, draws)["deviation_draws"] == pytest.approx(0.5)


def test_more_than_ten_samples_are_ignored():
    draws = real_draws([ONE], 14)
    assert score([ONE], draws) == score([ONE], draws[:, :10])


def test_batches_add_up_whatever_their_order():
    texts = captions(8)
    draws = real_draws(texts)
    metric = ShapeDiversity()
    for part in (slice(5, 8), slice(0, 5)):
        metric.update(Evaluation(texts[part], None, draws[part]))
    assert metric.compute() == pytest.approx(score(texts, draws))


def test_a_caption_outside_the_grammar_is_refused():
    with pytest.raises(ValueError, match="caption must read"):
        score(["a dog"], real_draws([ONE]))
