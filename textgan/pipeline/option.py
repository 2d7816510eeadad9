"""Options that a pipeline declares, for the command line, the web page and the evaluation."""

from dataclasses import dataclass
from numbers import Integral, Real


@dataclass(frozen=True)
class Option:
    """A numeric keyword argument that a pipeline takes in addition to the captions.

    Args:
        name: of the keyword argument, in `generate` and when the pipeline is called.
        kind: float or int.
        default: the value if it is not given.
        help: a short description, which the command line and the web page show.
        minimum: None means no bound.
        maximum: None means no bound. An option with both bounds is a slider on the web page.
        also: other methods of the pipeline that take the argument too, such as "interpolate".
    """

    name: str
    kind: type[float] | type[int]
    default: float
    help: str
    minimum: float | None = None
    maximum: float | None = None
    also: frozenset[str] = frozenset()

    def belongs_to(self, ability: str) -> bool:
        """Whether the methods of an ability (`Pipeline`) take the argument."""
        return ability == "sample" or ability in self.also

    def check(self, value: float) -> None:
        """Raise ValueError unless the value is a number of the kind, within the bounds."""
        kinds = Integral if self.kind is int else Real
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not is_number:
            number = "a whole number" if self.kind is int else "a number"
            raise ValueError(f"{self.name} must be {number}, got {value!r:.80}")
        low, high = self.minimum, self.maximum
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            if None not in (low, high):
                rule = f"in [{low}, {high}]"
            else:
                rule = f"at least {low}" if high is None else f"at most {high}"
            raise ValueError(f"{self.name} must be {rule}, got {value}")

    def parse(self, text: str) -> float:
        """Convert an argument of the command line; raise ValueError if it is no such number."""
        try:
            return self.kind(text)
        except ValueError:
            number = "a whole number" if self.kind is int else "a number"
            raise ValueError(f"{self.name} must be {number}, got {text!r:.80}") from None
