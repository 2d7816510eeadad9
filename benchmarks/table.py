"""Tables in Markdown, as the pages of the benchmarks show them."""

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with one line for the heads, one rule, and one line for each row.

    Raises:
        ValueError: A row has another number of cells than there are heads.
    """
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for cells in rows:
        if len(cells) != len(heads):
            raise ValueError(f"a row must have {len(heads)} cells, got {list(cells)}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
