"""Values of the page's controls, which a visitor's browser may send as anything."""

import math
import random

from textgan.pipeline import Option


def label(option: Option) -> str:
    """The label of an option on the page: "guidance_scale" -> "Guidance scale"."""
    return option.name.replace("_", " ").capitalize()


def seed_of(seed: float | None, locked: bool) -> int:
    """A locked seed as it is, and else a random one below a million.

    Raises:
        ValueError: a locked seed is no whole number; the message is shown on the page.
    """
    return whole("A locked seed", seed) if locked else random.randrange(1_000_000)


def whole(name: str, value: float | None) -> int:
    """A whole number, or ValueError with a message for the page."""
    if not float(given(name, value)).is_integer():
        raise ValueError(f"{name} must be a whole number, got {value}.")
    return int(value)


def given(name: str, value: float | None) -> float:
    """A finite number, or ValueError with a message for the page; None is an empty box."""
    if value is None:
        raise ValueError(f"{name} must be a number, and its box is empty.")
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {value!r:.40}.")
    return value
