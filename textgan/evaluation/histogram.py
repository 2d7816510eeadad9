"""Figure of several histograms, for light and for dark pages."""

import io
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

_BINS = 40
_INK = {False: "#1d1f22", True: "#e7e7e4"}
# colours that stay distinct in red-green colour blindness
_COLOURS = {False: ("#2b65c7", "#d9822b", "#2a9d6f"), True: ("#86adff", "#f0a868", "#6fd3ab")}


def histogram_figure(title: str, series: dict[str, Tensor], *, dark: bool = False) -> Image.Image:
    """The densities of all series, each of area 1, over the same bins.

    Args:
        title: the label of the axis.
        series: name -> values (n,), finite, n at least 1.
        dark: whether the lines are light, for a dark page; the background is transparent.

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
    for (name, values), colour in zip(arrays.items(), cycle(_COLOURS[dark]), strict=False):
        label = f"{name} ({len(values):,})"
        density, _ = np.histogram(values, bins=edges, density=True)
        axes.stairs(density, edges, fill=True, alpha=0.25, color=colour)
        axes.stairs(density, edges, linewidth=1.6, color=colour, label=label)
    axes.set_xlabel(title, color=_INK[dark])
    axes.set_ylabel("density", color=_INK[dark])
    axes.tick_params(colors=_INK[dark], labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_INK[dark])
    axes.legend(frameon=False, labelcolor=_INK[dark])
    file = io.BytesIO()
    figure.savefig(file, format="png", transparent=True)
    return Image.open(file)
