"""The order of the data set."""

import torch

from textgan.metric.order import by_index, index_of
from textgan.types import Evaluation


def test_states_are_sorted_by_the_rows_of_the_data_set():
    index = [torch.tensor([4, 1]), torch.tensor([3])]
    states = [torch.tensor([[40.0], [10.0]]), torch.tensor([[30.0]])], torch.tensor([4, 1, 3])
    rows, numbers = by_index(index, *states)
    assert rows.tolist() == [[10], [30], [40]]
    assert numbers.tolist() == [1, 3, 4]


def test_without_rows_the_order_stays():
    index = index_of(Evaluation(["a"] * 3, None, torch.zeros(3, 1, 3, 2, 2)))
    assert by_index([index], [torch.tensor([3, 1, 2])])[0].tolist() == [3, 1, 2]


def test_nothing_stays_nothing():
    assert [len(state) for state in by_index([], [], [])] == [0, 0]
