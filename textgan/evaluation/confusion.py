"""Figure of a confusion matrix."""

import io
from collections.abc import Sequence

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from textgan.image.font import font_families, no_glyph_warnings


def confusion_matrix_figure(confusion: Tensor, names: Sequence[str]) -> Image.Image:
    """A heat map of a confusion matrix, each row in per cent of its class.

    Args:
        confusion: (classes, classes) counts, the true class by row, the predicted one by column.
        names: names of the classes.
    """
    counts = confusion.double()
    shares = (100 * counts / counts.sum(1, keepdim=True).clamp(min=1)).numpy()
    side = 2.2 + 0.45 * len(names)
    figure = Figure(figsize=(side, side), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    plain = {"fontsize": 9, "fontfamily": font_families(names), "parse_math": False}
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", **plain)
    axes.set_yticks(range(len(names)), names, **plain)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(names) <= 30:
        for row in range(len(names)):
            for column in range(len(names)):
                share = shares[row, column]
                ink = "white" if share > 55 else "black"
                text = f"{share:.0f}" if share >= 0.5 else ""
                axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    file = io.BytesIO()
    with no_glyph_warnings():
        figure.savefig(file, format="png")
    return Image.open(file)
