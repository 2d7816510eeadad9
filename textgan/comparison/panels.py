"""A comparison as a figure, with a small panel for each number."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textgan.comparison.compare import Comparison, Row
from textgan.comparison.direction import direction
from textgan.comparison.replicates import Estimate
from textgan.image.font import font_families

_COLUMNS = 4
_INK, _QUIET, _ACCENT = "#1d1f22", "#8a8f96", "#2b65c7"


def draw(comparison: Comparison) -> Figure:
    """A point with an error bar for each model, with its single seeds as dots beside it.

    Error bars are standard deviations over seeds, or the 95 % interval where there is one seed.
    A model that cannot be compared with the first model is gray.
    """
    rows, models = comparison.rows, comparison.models
    columns = min(_COLUMNS, len(rows))
    lines = -(-len(rows) // columns)
    heights = [2.4 * lines, 0.2 * len(models) + 0.6]  # inches
    figure = Figure(figsize=(max(2.7 * columns, 5.4), sum(heights)), dpi=160, layout="constrained")
    panels, foot = figure.subfigures(2, height_ratios=heights)
    for place, row in enumerate(rows, start=1):
        _panel(panels.add_subplot(lines, columns, place), row, [*models])
    legend = [f"{letter}  {model.name}" for letter, model in models.items()]
    legend.append("Bars: standard deviation over seeds (dots), or the 95 % interval of one seed.")
    if any(obstacles for row in rows for obstacles in row.obstacles):
        legend.append("Gray: not comparable with A.")
    # A path may contain a dollar sign, and letters of any script.
    plain = {"parse_math": False, "color": _INK, "fontfamily": font_families(legend)}
    foot.text(0.02, 0.95, "\n".join(legend), va="top", fontsize=8, linespacing=1.5, **plain)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    return figure


def _panel(axes: Axes, row: Row, letters: list[str]) -> None:
    for place, (estimate, obstacles) in enumerate(zip(row.estimates, row.obstacles, strict=True)):
        if estimate is not None:
            _point(axes, place, estimate, colour=_QUIET if obstacles else _ACCENT)
    axes.set_title(row.number.replace("/", "/\n"), fontsize=8.5, color=_INK)
    axes.set_xticks(range(len(letters)), letters)
    axes.set_xlim(-0.6, len(letters) - 0.4)
    axes.margins(y=0.2)
    way = direction(row.number)
    axes.set_xlabel("" if way == "neither" else f"{way} is better", fontsize=7.5, color=_QUIET)
    axes.tick_params(labelsize=7.5, colors=_INK)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.yaxis.get_offset_text().set_fontsize(7.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c9ccd0")


def _point(axes: Axes, place: int, estimate: Estimate, *, colour: str) -> None:
    mean, bar = estimate.mean, None
    if estimate.deviation is not None:
        bar = [[estimate.deviation]] * 2
        seeds = [*estimate.values.values()]
        dots = {"color": colour, "alpha": 0.45, "s": 9, "linewidths": 0}
        axes.scatter([place + 0.16] * len(seeds), seeds, **dots)
    elif estimate.interval is not None:
        low, high = estimate.interval
        bar = [[max(0.0, mean - low)], [max(0.0, high - mean)]]
    axes.errorbar(place, mean, yerr=bar, fmt="o", color=colour, markersize=5, capsize=3)
