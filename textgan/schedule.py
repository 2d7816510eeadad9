"""Schedules over the budget of a run; progress is images seen over total images, in [0, 1]."""

import math

Schedule = float | list[tuple[float, float]]
"""A constant, or corners [[progress, value], ...] joined by straight lines and constant outside."""


def value_at(schedule: Schedule, progress: float) -> float:
    """The schedule's value at a progress in [0, 1]."""
    if isinstance(schedule, int | float):
        return float(schedule)
    before = schedule[0]
    for corner in schedule:
        if progress < corner[0]:
            if corner is before:
                return float(corner[1])
            share = (progress - before[0]) / (corner[0] - before[0])
            return before[1] + share * (corner[1] - before[1])
        before = corner
    return float(before[1])


def check_schedule(name: str, schedule: Schedule) -> Schedule:
    """Return the schedule, or raise a ValueError if its corners are out of order or range."""
    if isinstance(schedule, int | float):
        return schedule
    places = [place for place, _ in schedule]
    if not places or places != sorted(set(places)) or places[0] < 0 or places[-1] > 1:
        raise ValueError(
            f"{name} must be a number or corners [[progress, value], ...] with progress rising "
            f"within [0, 1], got {schedule}"
        )
    return schedule


def corners(schedule: Schedule) -> set[float]:
    """Progress values at which the slope changes, and both ends."""
    inner = [] if isinstance(schedule, int | float) else [place for place, _ in schedule]
    return {0.0, 1.0, *inner}


def is_zero(schedule: Schedule) -> bool:
    """Whether its value is always 0."""
    return not any(value_at(schedule, progress) for progress in corners(schedule))


def check_shares(**shares: float) -> None:
    """Raise a ValueError that names the first share outside [0, 1]."""
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must be within [0, 1], got {share}")


def check_dropouts(**shares: float) -> None:
    """Raise a ValueError that names the first share that is not above 0, or is above 1.

    A share of what is left out in training may not be 0 where guidance leaves it out in sampling.
    """
    check_shares(**shares)
    for name, share in shares.items():
        if not share:
            raise ValueError(f"{name} must be above 0, because samples are guided, got {share}")


def learning_rate_factor(
    progress: float, *, start: float = 0.0, warmup: float = 0.0, decay_start: float = 0.0
) -> float:
    """Factor of a learning rate, in [0, 1].

    It rises linearly over `warmup` from `start` on, is constant up to `decay_start`, and then falls
    by half a cosine to 0 at progress 1. With a `decay_start` of 1 it does not fall.
    """
    if progress < start + warmup:
        return max(progress - start, 0.0) / warmup if warmup else 0.0
    decay_start = max(decay_start, start + warmup)
    if progress <= decay_start:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (progress - decay_start) / (1 - decay_start)))
