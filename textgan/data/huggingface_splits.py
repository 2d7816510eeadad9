"""The splits of a set of the `datasets` library: its own, or shares of its train rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textgan.data.extra import require
from textgan.data.huggingface_sets import HuggingFaceSets, split_name
from textgan.seed import seed_from


@dataclass(frozen=True)
class HuggingFaceSplits:
    """The rows of each split; the set is loaded at the first access.

    Attributes:
        source: where the set comes from.
        names: train, val and test -> the set's name of it, or None for the usual one.
        shares: val and test -> the share of the train rows that it gets where the set has no such
            split. A stream is not divided.
    """

    source: HuggingFaceSets
    names: Mapping[str, str | None]
    shares: Mapping[str, float]

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The splits that the set has, with images that are not decoded.

        Raises:
            FileNotFoundError: there is no such set.
            ValueError: it cannot be read, or lacks a split that was named, or train.
        """
        loaded = self.source.load()
        known = list(loaded)
        names = {split: split_name(name, split, known) for split, name in self.names.items()}
        if names["train"] is None:
            raise ValueError(f"data.train_split must be one of {', '.join(known)}")
        return {split: _not_decoded(loaded[name]) for split, name in names.items() if name}

    @cached_property
    def rows(self) -> dict[str, tuple[Any, np.ndarray]]:
        """The set and the rows of it, in order, of each split that has any."""
        found = {split: (table, np.arange(len(table))) for split, table in self.tables.items()}
        train, own = found["train"]
        order = np.random.default_rng(seed_from("huggingface")).permutation(own)
        for split, share in self.shares.items():
            count = round(share * len(own))
            if split not in found and 0 < count < len(order):
                found[split] = train, np.sort(order[:count])
                order = order[count:]
        found["train"] = train, np.sort(order)
        return {split: pair for split, pair in found.items() if len(pair[1])}


def _not_decoded(table: Any) -> Any:
    """The same set with images as bytes or paths, so that textgan decodes them, within limits."""
    image = require("datasets", "huggingface").Image(decode=False)
    for name, feature in (table.features or {}).items():
        if type(feature).__name__ == "Image":
            table = table.cast_column(name, image)
    return table
