import pytest

from textgan.callback.interval import ImageInterval


def due(every: int, start: int, seen: list[int]) -> list[int]:
    interval = ImageInterval(every)
    interval.start(start)
    return [images for images in seen if interval.crossed(images)]


def test_it_is_due_where_a_multiple_lies_between_two_batches():
    assert due(100, 0, [32, 64, 96, 128, 160, 192, 224]) == [128, 224]
    assert due(64, 0, [32, 64, 96, 128]) == [64, 128]


def test_it_is_due_once_where_a_batch_crosses_several():
    assert due(10, 0, [32, 64]) == [32, 64]


def test_a_resumed_run_is_due_where_the_uninterrupted_one_is():
    seen = list(range(32, 1000, 32))
    whole = due(100, 0, seen)
    for cut in range(1, len(seen)):
        first, rest = seen[:cut], seen[cut:]
        assert due(100, 0, first) + due(100, first[-1], rest) == whole


def test_zero_is_never_due():
    assert due(0, 0, [32, 64]) == []


def test_a_negative_interval_is_refused():
    with pytest.raises(ValueError, match="every_images must be at least 0, got -1"):
        ImageInterval(-1)
