"""Rows of which some turn out unusable and are replaced by others."""

from abc import abstractmethod
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_warn

from textgan.image.file import UnreadableImageError

MAX_WARNINGS = 20


class UnusableSampleError(ValueError):
    """A row that gives no captioned image; its text is the reason."""


UNUSABLE = (UnusableSampleError, UnreadableImageError)


class Skipping:
    """Rows that are read one by one; the next usable row replaces an unusable one.

    After the last row comes the first. The replacement depends on the source alone, so a run and
    its resumption see the same rows. Each of the first 20 unusable rows causes a warning; `broken`
    lists all, also those that only a worker process has met.

    A subclass implements `_read` and `_name`.
    """

    def __init__(self, size: int):
        self._is_broken = torch.zeros(size, dtype=torch.bool).share_memory_()
        self._reasons: dict[int, str] = {}

    def broken(self) -> list[tuple[str, str]]:
        """(name, reason) of each row that was found unusable so far."""
        return [(self._name(place), self._reason(place)) for place in self._places()]

    @abstractmethod
    def _read(self, place: int) -> Any:
        """The content of a row; one of the `UNUSABLE` errors where there is none."""

    @abstractmethod
    def _name(self, place: int) -> str:
        """The name of a row in a message."""

    def _read_next(self, place: int) -> tuple[int, Any]:
        """The first usable row from a place on: its place and its content.

        Raises:
            ValueError: no row is usable.
        """
        size = len(self._is_broken)
        for found in ((place + step) % size for step in range(size)):
            if not self._is_broken[found]:
                try:
                    return found, self._read(found)
                except UNUSABLE as error:
                    self._set_aside(found, str(error))
        raise ValueError(self._none_is_usable())

    def _set_aside(self, place: int, reason: str) -> None:
        self._reasons[place] = reason
        self._is_broken[place] = True
        count = len(self._places())
        if count <= MAX_WARNINGS:
            rank_zero_warn(f"{self._name(place)} is skipped: {reason}")
        elif count == MAX_WARNINGS + 1:
            rank_zero_warn("more images are skipped; the summary at the end counts them")

    def _places(self) -> list[int]:
        return self._is_broken.nonzero().flatten().tolist()

    def _reason(self, place: int) -> str:
        if place not in self._reasons:  # a worker process found it, and shares the flag alone
            try:
                self._read(place)
                self._reasons[place] = "it could not be read when it was needed"
            except UNUSABLE as error:
                self._reasons[place] = str(error)
        return self._reasons[place]

    def _none_is_usable(self) -> str:
        count = len(self._is_broken)
        return f"none of the {count:,} images can be used: {self._name(0)}: {self._reason(0)}"
