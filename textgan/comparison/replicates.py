"""Evaluations of one model that differ in the seed of their draws."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from textgan.comparison.difference import against, comparable, differences
from textgan.comparison.stored import find, read
from textgan.errors import ConfigError


@dataclass
class Estimate:
    """A number of one model, over seeds.

    Attributes:
        values: seed -> value.
        n: what it is of, as each seed has it, without repetition.
        interval: its 95 % interval by the lowest seed alone, or None.
    """

    values: dict[int, float]
    n: list[int | None]
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """Over seeds."""
        return fmean(self.values.values())

    @property
    def deviation(self) -> float | None:
        """The standard deviation over seeds, of a sample; None for a single seed."""
        return stdev(self.values.values()) if len(self.values) > 1 else None


@dataclass
class Replicates:
    """What is known of one model.

    Attributes:
        name: as it was asked for.
        by_seed: seed -> evaluation, lowest seed first.
    """

    name: str
    by_seed: dict[int, dict[str, Any]]

    @property
    def first(self) -> dict[str, Any]:
        """The evaluation of the lowest seed."""
        return next(iter(self.by_seed.values()))

    def estimate(self, number: str) -> Estimate | None:
        """A number over the seeds that have it; None where none has."""
        found = {
            seed: evaluation["numbers"][number]
            for seed, evaluation in self.by_seed.items()
            if number in evaluation["numbers"]
        }
        if not found:
            return None
        low, high = (next(iter(found.values())).get(end) for end in ("low", "high"))
        return Estimate(
            values={seed: entry["value"] for seed, entry in found.items()},
            n=[*dict.fromkeys(entry.get("n") for entry in found.values())],
            interval=None if low is None or high is None else (low, high),
        )


def replicates(path: str) -> Replicates:
    """All evaluations that a path names: a file, or a folder with some in it or below it.

    Raises:
        ConfigError: there are none, or they are not of one model, or differ in more than the seed
            of their draws, or two have the same one.
    """
    files: dict[int, Path] = {}
    by_seed: dict[int, dict[str, Any]] = {}
    for file in find(path):
        evaluation = read(file)
        if not evaluation["protocols"]:
            raise ConfigError(
                f"{file} has no numbers: all metrics were left out, or none asked for"
            )
        seed = next(iter(evaluation["protocols"].values()))["seed"]
        if by_seed:
            reference = next(iter(by_seed))
            _check_alike(files[reference], by_seed[reference], file, evaluation)
        if seed in files:
            raise ConfigError(f"{files[seed]} and {file} must differ in seed, and both have {seed}")
        files[seed], by_seed[seed] = file, evaluation
    return Replicates(path, dict(sorted(by_seed.items())))


def _check_alike(a: Path, one: dict[str, Any], b: Path, two: dict[str, Any]) -> None:
    weights = [evaluation["model"]["weights_sha256"] for evaluation in (one, two)]
    if weights[0] != weights[1]:
        raise ConfigError(
            f"{a} and {b} must be of one model, to be averaged, and differ in "
            f"model.weights_sha256 {against(*weights)}"
        )
    for metric in dict.fromkeys([*one["protocols"], *two["protocols"]]):
        protocols = [evaluation["protocols"].get(metric) for evaluation in (one, two)]
        if None in protocols:
            said = f"metrics: only one has {metric}"
        else:
            said = "; ".join(differences(*map(comparable, protocols)))
            said = f"the protocol of {metric}: {said}" if said else ""
        if said:
            raise ConfigError(
                f"{a} and {b} must differ in seed only, to be averaged, and differ in {said}"
            )
