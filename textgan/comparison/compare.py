"""Comparison of several models by their numbers: differences and their significance."""

import string
from dataclasses import dataclass, field
from math import hypot

from textgan.comparison.difference import comparable, differences
from textgan.comparison.direction import direction
from textgan.comparison.replicates import Estimate, Replicates
from textgan.errors import ConfigError, did_you_mean

_ROUNDING = 1e-6  # relative change of a value by the order of sums


@dataclass
class Row:
    """A number of all models; each list has an entry for each model, in their order.

    Attributes:
        number: name of the number.
        metric: name of its metric.
        estimates: None where a model has no such number.
        differences: to the first model; None for the first model, and where not comparable.
        verdicts: the better model and the significance; "" for the first model.
        obstacles: the reasons why it cannot be compared with the first model; empty if it can.
    """

    number: str
    metric: str
    estimates: list[Estimate | None]
    differences: list[float | None] = field(default_factory=lambda: [None])
    verdicts: list[str] = field(default_factory=lambda: [""])
    obstacles: list[list[str]] = field(default_factory=lambda: [[]])


@dataclass
class Comparison:
    """Models, with a letter for each, and their numbers."""

    models: dict[str, Replicates]
    rows: list[Row]

    def obstacles(self) -> list[str]:
        """The reasons why numbers cannot be compared with the first model, a line for each metric.

        With more than two models there is a line for each metric and model, which names both.
        """
        lines = {}
        for row in self.rows:
            for letter, reasons in zip(self.models, row.obstacles, strict=True):
                lines.setdefault((row.metric, letter), {}).update(dict.fromkeys(reasons))
        return [
            f"{metric}{f' ({letter})' if len(self.models) > 2 else ''}: {'; '.join(reasons)}"
            for (metric, letter), reasons in lines.items()
            if reasons
        ]


def compare(models: list[Replicates], names: list[str] | None = None) -> Comparison:
    """Compare each number of each model with that of the first model.

    Args:
        models: at least two, at most 26.
        names: metrics or numbers to compare; None compares all.

    Raises:
        ConfigError: there are too few or too many models, no numbers, or none of a given name.
    """
    if not 2 <= len(models) <= len(string.ascii_uppercase):
        raise ConfigError(f"2 to 26 models can be compared, got {len(models)}")
    metrics = {
        number: entry["metric"]
        for model in models
        for evaluation in model.by_seed.values()
        for number, entry in evaluation["numbers"].items()
    }
    if not metrics:
        raise ConfigError("the evaluations hold no numbers")
    known = [*dict.fromkeys([*metrics.values(), *metrics])]
    for name in names or []:
        if name not in known:
            raise ConfigError(f"no evaluation has {name!r}{did_you_mean(name, known)}")
    lettered = dict(zip(string.ascii_uppercase, models, strict=False))
    rows = [
        _row(number, metric, lettered)
        for number, metric in metrics.items()
        if not names or {number, metric} & {*names}
    ]
    return Comparison(lettered, rows)


def _row(number: str, metric: str, models: dict[str, Replicates]) -> Row:
    row = Row(number, metric, [model.estimate(number) for model in models.values()])
    (first, *others), (one, *estimates) = models, row.estimates
    for other, two in zip(others, estimates, strict=True):
        obstacles = _obstacles(number, metric, {name: models[name] for name in (first, other)})
        if obstacles:
            row.differences.append(None)
            row.verdicts.append("not comparable")
        else:
            row.differences.append(two.mean - one.mean)
            row.verdicts.append(verdict(number, {first: one, other: two}))
        row.obstacles.append(obstacles)
    return row


def _obstacles(number: str, metric: str, models: dict[str, Replicates]) -> list[str]:
    """The reasons why a number of two models cannot be compared; empty if it can."""
    for letter, model in models.items():
        if metric not in model.first["protocols"]:
            why = model.first["skipped"].get(metric)
            return [f"{letter} has none" + (f" ({why})" if why else "")]
        if model.estimate(number) is None:
            return [f"{letter} has no {number}"]
    found = differences(
        *(comparable(model.first["protocols"][metric]) for model in models.values())
    )
    one, two = (model.estimate(number) for model in models.values())
    for what, a, b in (("seed", sorted(one.values), sorted(two.values)), ("n", one.n, two.n)):
        if a != b:
            found.append(f"{what} {' against '.join(', '.join(map(str, x)) for x in (a, b))}")
    return found


def verdict(number: str, estimates: dict[str, Estimate]) -> str:
    """The better of two models, and whether the difference is larger than by chance.

    Args:
        number: name of the number, which decides whether lower or higher is better.
        estimates: name -> estimate of the two models.
    """
    (a, one), (b, two) = estimates.items()
    difference, way = two.mean - one.mean, direction(number)
    if way == "neither":
        return "not ranked"
    if abs(difference) <= _ROUNDING * max(abs(one.mean), abs(two.mean)):
        return "equal"
    significance = _significance(one, two)
    if significance is None:
        return "no spread known"
    better = b if (difference < 0) == (way == "lower") else a
    return f"{better} better, {significance}"


def _significance(one: Estimate, two: Estimate) -> str | None:
    """By the seeds if both have several, else by the intervals if both have one, else None."""
    if one.deviation is not None and two.deviation is not None:
        larger = abs(two.mean - one.mean) > 2 * hypot(one.deviation, two.deviation)
        return f"{'larger' if larger else 'not larger'} than the spread over seeds"
    if one.interval is not None and two.interval is not None:
        overlap = one.interval[0] <= two.interval[1] and two.interval[0] <= one.interval[1]
        return f"intervals {'overlap' if overlap else 'do not overlap'}"
    return None
