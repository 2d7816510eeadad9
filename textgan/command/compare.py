"""Compare evaluations of several models, number by number."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from textgan.comparison.compare import Comparison

_EPILOG = (
    "Several evaluations of one model differ in the seed of their samples, as `textgan test -m "
    "model.seed=0,1,2` makes them. They show the variation of samples, not that of trainings."
)
_HEAD = ("number", "model", "mean", "+-", "95 % interval", "n", "against A", "verdict")


def main(argv: list[str]) -> int:
    """`textgan compare A B [C ...]`: print a table of differences to A and their significance."""
    parser = Parser("textgan compare", description=__doc__, epilog=_EPILOG)
    parser.add_argument(
        "evaluations",
        nargs="+",
        metavar="EVALUATION",
        type=expanded,
        help="for each model an evaluation.json, a run folder, or a folder of several evaluations",
    )
    parser.add_argument(
        "--metric", action="append", metavar="NAME", help="only this metric or number; repeatable"
    )
    parser.add_argument(
        "--out", type=expanded, metavar="FILE", help="also plot the comparison into this image file"
    )
    words = parser.parse_args(argv)

    from textgan.comparison.compare import compare
    from textgan.comparison.replicates import replicates

    comparison = compare([replicates(path) for path in words.evaluations], words.metric)
    _print(comparison)
    if words.out is not None:
        _plot(comparison, words.out)
        print(words.out)
    return 0


def _print(comparison: "Comparison") -> None:
    for letter, model in comparison.models.items():
        of = model.first["model"]
        seeds = f"seed{'s' * (len(model.by_seed) > 1)} {', '.join(map(str, model.by_seed))}"
        weights, images = of["weights_sha256"][:8], of["images_seen"]
        seen = "a saved pipeline" if images is None else f"{images:,} images seen"
        print(f"{letter}  {model.name}: weights {weights}, {seen}, {seeds}")
    print()
    rows = [_HEAD, *_cells(comparison)]
    kept = [column for column in zip(*rows, strict=True) if any(column[1:])]
    rows = [*zip(*kept, strict=True)]
    if sys.stdout.isatty():
        _print_rich(rows)
    else:
        widths = [max(map(len, column)) for column in kept]
        for row in rows:
            print("  ".join(map(str.ljust, row, widths)).rstrip())
    if any(len(model.by_seed) > 1 for model in comparison.models.values()):
        print("\nmean and standard deviation (+-) over seeds; the interval is the lowest seed's")
    if obstacles := comparison.obstacles():
        print("\nnot comparable, A against the other:", *obstacles, sep="\n")


def _cells(comparison: "Comparison") -> list[tuple[str, ...]]:
    """Return a row for each number and model, with the columns of `_HEAD`."""
    from textgan.comparison.digits import count, interval, significant

    lines = []
    for row in comparison.rows:
        columns = (comparison.models, row.estimates, row.differences, row.verdicts)
        for place, (letter, estimate, difference, verdict) in enumerate(zip(*columns, strict=True)):
            known = ("", "", "", "")
            if estimate is not None:
                deviation = estimate.deviation
                known = (
                    significant(estimate.mean),
                    "" if deviation is None else significant(deviation),
                    interval(*(estimate.interval or (None, None))),
                    ", ".join(filter(None, map(count, estimate.n))),
                )
            said = "" if difference is None else significant(difference, signed=True)
            lines.append((row.number if place == 0 else "", letter, *known, said, verdict))
    return lines


def _print_rich(rows: list[tuple[str, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for name in rows[0]:
        table.add_column(name, overflow="fold", no_wrap=name not in ("number", "verdict"))
    for row in rows[1:]:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def _plot(comparison: "Comparison", out: str) -> None:
    from textgan.comparison.panels import draw
    from textgan.image.font import no_glyph_warnings

    path = Path(out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with no_glyph_warnings():
            draw(comparison).savefig(path, format=path.suffix[1:] or "png")
    except (OSError, ValueError) as error:
        raise ConfigError(f"--out {out!r} cannot be written: {error}") from error
