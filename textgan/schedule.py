"""Schedules over a run's budget; progress is images seen over total images, from 0 to 1."""

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
            share = (
                (progress - before[0]) / (corner[0] - before[0]) if corner is not before else 0.0
            )
            return before[1] + share * (corner[1] - before[1])
        before = corner
    return float(before[1])


def check_schedule(name: str, schedule: Schedule) -> Schedule:
    """The schedule; a ValueError that names the argument if its corners are out of order."""
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
    """Where its slope changes, and both ends: between two of them it is a straight line."""
    inner = [] if isinstance(schedule, int | float) else [place for place, _ in schedule]
    return {0.0, 1.0, *inner}


def is_zero(schedule: Schedule) -> bool:
    """Whether its value is always 0."""
    return not any(value_at(schedule, progress) for progress in corners(schedule))


def check_shares(**shares: float) -> None:
    """A ValueError that names the share that is outside [0, 1]."""
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must be within [0, 1], got {share}")


def learning_rate_factor(
    progress: float, *, start: float = 0.0, warmup: float = 0.0, decay_start: float = 0.0
) -> float:
    """Factor of a learning rate.

    A linear rise over `warmup` from `start` on, then constant up to `decay_start`, then half a
    cosine to 0 at progress 1; a decay_start of 1 means no fall.
    """
    if progress < start + warmup:
        return max(progress - start, 0.0) / warmup if warmup else 0.0
    decay_start = max(decay_start, start + warmup)
    if progress <= decay_start:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (progress - decay_start) / (1 - decay_start)))
