"""Several models by the same numbers: what differs, by how much, and whether that says anything."""

import string
from dataclasses import dataclass, field
from math import hypot

from textgan.comparison.difference import comparable, differences
from textgan.comparison.direction import direction
from textgan.comparison.replicates import Estimate, Replicates
from textgan.errors import ConfigError, did_you_mean

_ROUNDING = 1e-6  # of a value: what the order of sums changes


@dataclass
class Row:
    """A number of all models; each list has an entry for each of them, in their order.

    Attributes:
        number: its name.
        metric: whose it is.
        estimates: None where a model has no such number.
        differences: to the first model; None for that one, and where they cannot be compared.
        verdicts: what the difference says; "" for the first model.
        obstacles: why it cannot be compared with the first model; empty where it can.
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
        """Why numbers cannot be compared with those of the first model: a line for each metric.

        Where there are more than two models, each has its own line, which names it.
        """
        lines = {}
        for row in self.rows:
            for letter, said in zip(self.models, row.obstacles, strict=True):
                lines.setdefault((row.metric, letter), {}).update(dict.fromkeys(said))
        return [
            f"{metric}{f' ({letter})' if len(self.models) > 2 else ''}: {'; '.join(said)}"
            for (metric, letter), said in lines.items()
            if said
        ]


def compare(models: list[Replicates], names: list[str] | None = None) -> Comparison:
    """Each number of each model against that of the first one.

    Args:
        models: at least two, at most 26.
        names: of metrics or numbers, to leave out all others; None takes all.

    Raises:
        ConfigError: there are too few models or too many, no numbers, or none so named.
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
    """Why a number of two models must not be ranked; empty where it may be."""
    for letter, model in models.items():
        if metric not in model.first["protocols"]:
            why = model.first["skipped"].get(metric)
            return [f"{letter} has none" + (f" ({why})" if why else "")]
        if model.estimate(number) is None:
            return [f"{letter} has no {number}"]
    said = differences(*(comparable(model.first["protocols"][metric]) for model in models.values()))
    one, two = (model.estimate(number) for model in models.values())
    for what, a, b in (("seed", sorted(one.values), sorted(two.values)), ("n", one.n, two.n)):
        if a != b:
            said.append(f"{what} {' against '.join(', '.join(map(str, x)) for x in (a, b))}")
    return said


def verdict(number: str, estimates: dict[str, Estimate]) -> str:
    """Which of two models is better, and whether that is more than chance does.

    Args:
        number: its name, which says whether lower or higher is better.
        estimates: name of the model -> its estimate, of two.
    """
    (a, one), (b, two) = estimates.items()
    difference, way = two.mean - one.mean, direction(number)
    if way == "neither":
        return "not ranked"
    if abs(difference) <= _ROUNDING * max(abs(one.mean), abs(two.mean)):
        return "equal"
    surely = _surely(one, two)
    if surely is None:
        return "no spread known"
    better = b if (difference < 0) == (way == "lower") else a
    return f"{better} better, {surely}"


def _surely(one: Estimate, two: Estimate) -> str | None:
    """By the seeds where both have several, else by the intervals where both have one; or None."""
    if one.deviation is not None and two.deviation is not None:
        larger = abs(two.mean - one.mean) > 2 * hypot(one.deviation, two.deviation)
        return f"{'larger' if larger else 'not larger'} than the spread over seeds"
    if one.interval is not None and two.interval is not None:
        overlap = one.interval[0] <= two.interval[1] and two.interval[0] <= one.interval[1]
        return f"intervals {'overlap' if overlap else 'do not overlap'}"
    return None
