import math

import pytest

from textgan.schedule import check_schedule, learning_rate_factor, value_at


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_a_number_is_constant(progress):
    assert value_at(0.5, progress) == 0.5
    assert value_at(2, progress) == 2.0


@pytest.mark.parametrize(
    ("progress", "value"),
    [(0.0, 1.0), (0.2, 1.0), (0.3, 2.0), (0.4, 3.0), (0.7, 1.5), (1.0, 0.0)],
)
def test_corners_are_joined_by_straight_lines_and_constant_outside(progress, value):
    corners = [[0.2, 1.0], [0.4, 3.0], [1.0, 0.0]]
    assert value_at(corners, progress) == pytest.approx(value)


def test_one_corner_is_constant_on_both_sides():
    assert [value_at([(0.5, 7.0)], progress) for progress in (0.0, 0.5, 1.0)] == [7.0] * 3


@pytest.mark.parametrize("schedule", [1, 0.5, [[0, 1]], [[0.0, 1.0], [0.5, 0.0], [1.0, 2.0]]])
def test_a_sound_schedule_passes_unchanged(schedule):
    assert check_schedule("weight", schedule) is schedule


@pytest.mark.parametrize(
    "schedule",
    [[], [[0.5, 1.0], [0.2, 0.0]], [[0.5, 1.0], [0.5, 0.0]], [[-0.1, 1.0]], [[0.0, 1.0], [1.5, 0]]],
)
def test_corners_out_of_order_or_range_are_refused_by_name(schedule):
    with pytest.raises(ValueError, match="weight must be a number or corners"):
        check_schedule("weight", schedule)


def test_the_learning_rate_rises_over_the_warmup_and_falls_by_half_a_cosine():
    def factor(progress: float) -> float:
        return learning_rate_factor(progress, warmup=0.2)

    assert [factor(p) for p in (0.0, 0.1, 0.2)] == pytest.approx([0.0, 0.5, 1.0])
    assert factor(0.6) == pytest.approx(0.5)
    assert factor(0.4) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert factor(1.0) == pytest.approx(0.0, abs=1e-12)


def test_it_stays_until_its_fall():
    factors = [
        learning_rate_factor(p, warmup=0.5, decay_start=0.8) for p in (0, 0.25, 0.5, 0.8, 0.9, 1)
    ]
    assert factors == pytest.approx([0.0, 0.5, 1.0, 1.0, 0.5, 0.0])
    never = [learning_rate_factor(p, warmup=0.5, decay_start=1.0) for p in (0, 0.25, 0.5, 1)]
    assert never == pytest.approx([0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("decay_start", [0.0, 0.5, 1.0])
def test_a_late_start_warms_up_from_there(decay_start):
    factors = [
        learning_rate_factor(p, start=0.4, warmup=0.2, decay_start=decay_start)
        for p in (0.2, 0.4, 0.5, 0.6)
    ]
    assert factors == pytest.approx([0.0, 0.0, 0.5, 1.0])


def test_without_a_warmup_it_begins_at_once():
    assert learning_rate_factor(0.0) == 1.0
    assert learning_rate_factor(0.3, start=0.3) == 1.0
    assert learning_rate_factor(1.0, start=1.0) == 1.0
