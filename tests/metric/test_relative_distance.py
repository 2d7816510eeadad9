"""The ratio to the distance between draws of different captions, and its jackknife."""

import pytest
import torch

from textgan.errors import TooFewError
from textgan.metric.order import caption_ids
from textgan.metric.relative_distance import distance_and_ratio, relative
from textgan.types import Evaluation


def by_loop(distances, first, captions) -> float:
    n = len(distances)
    pairs = [(i, (i + 1) % n) for i in range(n)]
    apart = [float((first[i] - first[j]).norm()) for i, j in pairs if captions[i] != captions[j]]
    return sum(distances) / n / (sum(apart) / len(apart))


def example(n: int, *, seed: int = 0, different: int = 4):
    generator = torch.Generator().manual_seed(seed)
    distances = torch.rand(n, generator=generator, dtype=torch.float64)
    first = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    return distances, first, torch.randint(different, (n,), generator=generator)


def test_it_is_the_ratio_worked_by_hand():
    first = torch.tensor([[0.0], [3.0], [7.0]], dtype=torch.float64)
    distances = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    # 3 + 4 + 7 over three pairs; the mean distance is 2
    assert relative(distances, first, torch.arange(3)) == pytest.approx(2 / (14 / 3))
    # the first two captions are equal: (4 + 7) / 2
    assert relative(distances, first, torch.tensor([5, 5, 6])) == pytest.approx(2 / 5.5)


@pytest.mark.parametrize("n", [3, 4, 5, 12])
def test_the_interval_is_that_of_leaving_each_caption_out_and_starting_over(n):
    distances, first, captions = *example(n)[:2], torch.arange(n)
    captions[0] = captions[1] if n > 4 else captions[0]
    without = []
    for i in range(n):
        kept = torch.arange(n) != i
        without.append(by_loop(distances[kept], first[kept], captions[kept]))
    spread = torch.tensor(without, dtype=torch.float64).var(correction=0)
    found = relative(distances, first, captions)
    assert found == pytest.approx(by_loop(distances, first, captions))
    assert found.high - found == pytest.approx(1.96 * float(spread * (n - 1)) ** 0.5)
    assert found - found.low == pytest.approx(found.high - found)


def test_the_standard_error_is_no_less_than_the_ratio_varies_between_data_sets_nor_much_more():
    found = [relative(*example(60, seed=seed, different=10**6)) for seed in range(300)]
    deviation = float(torch.tensor([float(f) for f in found]).std())
    error = sum(f.high - f.low for f in found) / len(found) / (2 * 1.96)
    assert 1 < error / deviation < 1.4


def test_there_is_no_ratio_where_all_captions_or_all_samples_are_equal():
    distances, first, captions = example(5)
    assert relative(distances, first, torch.zeros(5)) is None
    rounding = 1e-7 * torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    assert relative(distances, 100 + rounding.double(), captions) is None
    values = distance_and_ratio(distances, first, torch.zeros(5), metric="This")
    assert values.keys() == {"distance", "n"}


def test_there_is_no_interval_where_all_hangs_on_one_caption():
    distances, first, _ = example(4)
    found = relative(distances, first, torch.tensor([1, 1, 2, 1]))
    assert found > 0
    assert (found.low, found.high) == (None, None)


def test_fewer_than_three_captions_are_one_clear_sentence():
    with pytest.raises(TooFewError, match="This needs at least 3 captions, got 2"):
        distance_and_ratio(*example(2), metric="This")


def test_ids_are_equal_where_captions_are():
    ids = caption_ids(Evaluation(["a", "b", "a"], None, torch.zeros(3, 1, 3, 2, 2)))
    assert ids[0] == ids[2] != ids[1]
