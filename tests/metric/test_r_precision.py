"""R-precision: an oracle is always right, chance is 1 in 100, and nobody's order matters."""

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.metric.r_precision import RPrecision
from textgan.seed import seed_from
from textgan.types import Evaluation

WIDTH = 16


class Oracle(nn.Module):
    """A caption's encoding is random numbers keyed by it; an image of it has them for pixels."""

    def encode_images(self, images: Tensor) -> Tensor:
        return images.flatten(1)

    def encode_texts(self, captions: list[str]) -> Tensor:
        return torch.stack([draw(caption).flatten() for caption in captions])


class Constant(Oracle):
    """Finds everything alike."""

    def encode_images(self, images: Tensor) -> Tensor:
        return torch.linspace(-1, 2, WIDTH).repeat(len(images), 1)

    def encode_texts(self, captions: list[str]) -> Tensor:
        return torch.linspace(-1, 2, WIDTH).repeat(len(captions), 1)


def draw(caption: str) -> Tensor:
    """(1, 4, 4) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed_from(caption))
    return torch.rand(1, 4, 4, generator=generator) * 2 - 1


def of(captions: list[str]) -> Tensor:
    return torch.stack([draw(caption) for caption in captions])


def captions(n: int) -> list[str]:
    return [f"caption {i}" for i in range(n)]


def shown(said: list[str], drawn: list[str], real: list[str] | None = None) -> Evaluation:
    real_pictures = None if real is None else of(real)
    return Evaluation(said, real_pictures, of(drawn)[:, None], index=torch.arange(len(said)))


def measured(evaluation: Evaluation, judge: nn.Module | None = None, **arguments):
    metric = RPrecision(judge or Oracle(), **arguments)
    metric.update(evaluation)
    return metric.compute()


def test_an_oracle_finds_every_caption():
    said = captions(500)
    result = measured(shown(said, said))
    value = result["r_precision"]
    assert (value, value.n, value.spread, result["n"]) == (1, 500, 0, 500)
    assert value.high == pytest.approx(1)
    assert value.low == pytest.approx(500 / (500 + 1.96**2), abs=1e-5)  # Wilson at n of n
    assert "real" not in result


def test_samples_of_other_captions_are_right_once_in_a_hundred_and_the_real_ones_always():
    said = captions(4000)
    result = measured(shown(said, [*said[7:], *said[:7]], said))
    value = result["r_precision"]
    assert value.low < 0.01 < value.high
    assert value.high < 0.02
    assert 0 < value.spread < 0.01  # binomial: (0.01 * 0.99 / 400) ** 0.5 = 0.005
    assert result["real"] == 1


def test_chance_is_one_in_one_more_than_the_others():
    said = captions(2000)
    value = measured(shown(said, [*said[7:], *said[:7]]), others=4)["r_precision"]
    assert value.low < 0.2 < value.high


def test_a_judge_that_finds_all_alike_scores_nothing():
    said = captions(200)
    assert measured(shown(said, said), Constant())["r_precision"] == 0


def test_a_caption_that_occurs_twice_is_not_among_its_own_others():
    said = captions(5) * 40  # where an equal one was among the others, there would be a tie
    assert measured(shown(said, said), others=4)["r_precision"] == 1


def test_with_all_other_captions_it_is_worked_by_hand():
    said = ["a", "b", "c", "d"]
    result = measured(shown(said, ["a", "b", "c", "a"]), others=3, groups=4)
    value = result["r_precision"]
    assert (value, value.n) == (0.75, 4)
    assert value.spread == pytest.approx((0.75 * 0.25) ** 0.5)  # of 1, 1, 1, 0
    assert measured(shown(said, said), others=3, groups=5)["r_precision"].spread is None


def test_the_seed_chooses_the_others():
    said = captions(1000)
    evaluation = shown(said, [*said[1:], said[0]])
    values = [measured(evaluation, others=3, seed=seed)["r_precision"] for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_without_an_index_captions_alone_choose_the_others():
    said = captions(300)
    evaluation = shown(said, [*said[1:], said[0]])
    evaluation.index = None
    mixed = RPrecision(Oracle(), others=3)
    for row in reversed(range(300)):
        mixed.update(Evaluation([said[row]], None, evaluation.draws[[row]]))
    assert mixed.compute() == measured(evaluation, others=3)


def test_too_few_different_captions_are_one_sentence():
    said = captions(50) * 3
    with pytest.raises(TooFewError, match="needs at least 100 different captions, got 50"):
        measured(shown(said, said))


def test_no_others_and_a_single_group_are_refused():
    rule = "others must be at least 1, and groups at least 2, got"
    with pytest.raises(ValueError, match=f"{rule} 0 and 10"):
        RPrecision(Oracle(), others=0)
    with pytest.raises(ValueError, match=f"{rule} 99 and 1"):
        RPrecision(Oracle(), groups=1)
