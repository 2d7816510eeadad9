"""Histograms drawn over one another, for light and for dark pages."""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

_BINS = 40
_INK = {False: "#1d1f22", True: "#e7e7e4"}
# told apart by who sees no red or no green, too
_COLOURS = {False: ("#2b65c7", "#d9822b", "#2a9d6f"), True: ("#86adff", "#f0a868", "#6fd3ab")}


def draw(title: str, series: dict[str, Tensor], *, dark: bool = False) -> Image.Image:
    """A picture of the densities, each of area 1, over the same bins.

    Args:
        title: what the values are; it stands below the axis.
        series: name -> values (n,), finite, n at least 1.
        dark: whether it is for light ink on a dark page; the ground is transparent.

    Raises:
        ValueError: a series is empty, or has NaN or infinite values.
    """
    arrays = {name: values.detach().double().cpu().numpy() for name, values in series.items()}
    for name, values in arrays.items():
        if not len(values) or not np.isfinite(values).all():
            raise ValueError(f"{title}: {name} must be finite values, at least one")
    edges = np.histogram_bin_edges(np.concatenate([*arrays.values()]), bins=_BINS)
    figure = Figure(figsize=(7.2, 3.2), dpi=200, layout="constrained")
    axes = figure.add_subplot()
    for place, (name, values) in enumerate(arrays.items()):
        colour = _COLOURS[dark][place % len(_COLOURS[dark])]
        named = {"label": f"{name} ({len(values):,})", "color": colour}
        density, _ = np.histogram(values, bins=edges, density=True)
        axes.stairs(density, edges, fill=True, alpha=0.25, color=colour)
        axes.stairs(density, edges, linewidth=1.6, **named)
    axes.set_xlabel(title, color=_INK[dark])
    axes.set_ylabel("density", color=_INK[dark])
    axes.tick_params(colors=_INK[dark], labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_INK[dark])
    axes.legend(frameon=False, labelcolor=_INK[dark])
    file = io.BytesIO()
    figure.savefig(file, format="png", transparent=True)
    return Image.open(file)
