"""Evaluations of one model that differ in the seed of their samples."""

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
        n: the different numbers of images, captions or pairs over seeds.
        interval: the 95 % interval of the lowest seed, or None.
    """

    values: dict[int, float]
    n: list[int | None]
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return fmean(self.values.values())

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation over seeds; None for a single seed."""
        return stdev(self.values.values()) if len(self.values) > 1 else None


@dataclass
class Replicates:
    """All evaluations of one model.

    Attributes:
        name: the path that the user gave.
        by_seed: seed -> evaluation, lowest seed first.
    """

    name: str
    by_seed: dict[int, dict[str, Any]]

    @property
    def first(self) -> dict[str, Any]:
        """The evaluation of the lowest seed."""
        return next(iter(self.by_seed.values()))

    def estimate(self, number: str) -> Estimate | None:
        """A number over the seeds that have it; None if no seed has it."""
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
    """All evaluations of a path: a file, or a folder that contains some, also in its sub-folders.

    Raises:
        ConfigError: there are none, they are of several models, they differ in more than the seed
            of their samples, or two of them have the same seed.
    """
    files: dict[int, Path] = {}
    by_seed: dict[int, dict[str, Any]] = {}
    for file in find(path):
        evaluation = read(file)
        if not evaluation["protocols"]:
            raise ConfigError(f"{file} has no numbers: there were no metrics, or all were left out")
        seed = next(iter(evaluation["protocols"].values()))["seed"]
        if by_seed:
            reference = next(iter(by_seed))
            _check_alike(files[reference], by_seed[reference], file, evaluation)
        if seed in files:
            raise ConfigError(f"{files[seed]} and {file} must differ in seed, got {seed} in both")
        files[seed], by_seed[seed] = file, evaluation
    return Replicates(path, dict(sorted(by_seed.items())))


def _check_alike(a: Path, one: dict[str, Any], b: Path, two: dict[str, Any]) -> None:
    weights = [evaluation["model"]["weights_sha256"] for evaluation in (one, two)]
    if weights[0] != weights[1]:
        raise ConfigError(
            f"only evaluations of one model can be averaged: {a} and {b} differ in "
            f"model.weights_sha256 {against(*weights)}"
        )
    for metric in dict.fromkeys([*one["protocols"], *two["protocols"]]):
        protocols = [evaluation["protocols"].get(metric) for evaluation in (one, two)]
        if None in protocols:
            found = f"metrics: only one has {metric}"
        else:
            found = "; ".join(differences(*map(comparable, protocols)))
            found = f"the protocol of {metric}: {found}" if found else ""
        if found:
            raise ConfigError(
                "only evaluations that differ in seed alone can be averaged: "
                f"{a} and {b} differ in {found}"
            )
