"""Numbers as text for readers."""


def significant(value: float, *, signed: bool = False) -> str:
    """Four significant digits, "12.30"; whole numbers from 1,000 on in full, "1,234,567".

    Args:
        value: finite.
        signed: whether a positive number has its sign, too.
    """
    is_whole = abs(value) >= 1000 and value == int(value)
    rounded = value if is_whole else float(f"{value:.4g}")
    shape = ",.0f" if abs(rounded) >= 1000 else "#.4g"
    return f"{rounded:{'+' if signed else ''}{shape}}"


def interval(low: float | None, high: float | None) -> str:
    """`0.1234 to 0.2345`, or an empty string without an interval."""
    return "" if low is None or high is None else f"{significant(low)} to {significant(high)}"


def count(n: int | None) -> str:
    """`1,000`, or an empty string for None."""
    return "" if n is None else f"{n:,}"
