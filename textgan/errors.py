"""What reaches the user as a sentence instead of a traceback."""

import difflib


class ConfigError(Exception):
    """What was asked cannot be done; its text is one sentence for the person at the keyboard."""


class StoppedError(ConfigError):
    """A run that had begun cannot go on; what is in its folder stays."""


class MissingWeightsError(Exception):
    """A pretrained net's weights are nowhere to be found; its text says where it looked.

    What is measured with it is left out; everything else goes on.
    """


class TooFewError(ValueError):
    """There are fewer pictures than a metric needs; its text says how many it takes."""


def did_you_mean(word: str, known: list[str]) -> str:
    """`; did you mean 'x'?` where something known resembles the word, or an empty string."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
