"""Errors that users see as one sentence instead of a traceback."""

import difflib


class ConfigError(Exception):
    """A request cannot be fulfilled; the message is one sentence for the user."""


class StoppedError(ConfigError):
    """A run that has begun cannot go on; its folder is kept as it is."""


class MissingWeightsError(Exception):
    """The weights of a pretrained network were not found; the message names the places searched.

    Metrics that need the network are left out; everything else goes on.
    """


class TooFewError(ValueError):
    """A metric was given too few images; the message names the number that it needs."""


def did_you_mean(word: str, known: list[str]) -> str:
    """`; did you mean 'x'?` if a known word resembles the given one, else an empty string."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
