"""The images on the page of an evaluation, as HTML that contains them."""

import base64
import io
from html import escape

from PIL import Image
from torch import Tensor

from textgan.evaluation.histogram import histogram_figure
from textgan.evaluation.runner import Shown
from textgan.image import to_pil

_SHOWN_WIDTH = 128  # 8rem in the style


def captions(shown: list[Shown]) -> str:
    """A row for each caption: its text, the real image in a frame, and its samples."""
    has_real = any(row.real is not None for row in shown)
    draws = max(len(row.draws) for row in shown)
    names = [f"sample {number + 1}" for number in range(draws)]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    real = '<th scope="col" class="real">real</th>' if has_real else ""
    rows = "\n".join(_row(row, names, has_real=has_real) for row in shown)
    return (
        '<table class="captions">\n'
        f'<thead><tr><th scope="col">caption</th>{real}{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(shown: Shown, names: list[str], *, has_real: bool) -> str:
    cells = [f'<th scope="row">{escape(shown.caption)}</th>']
    if has_real:
        real = shown.real
        inside = "" if real is None else _small(real, f"real image: {shown.caption}")
        cells.append(f'<td class="real">{inside}</td>')
    for name, image in zip(names, shown.draws, strict=False):
        cells.append(f"<td>{_small(image, f'{name}: {shown.caption}')}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _small(image: Tensor, alt: str) -> str:
    """An image (C, H, W) in [-1, 1]; its pixels stay sharp where it is enlarged."""
    kind = ' class="pixels"' if image.shape[-1] < _SHOWN_WIDTH else ""
    return f'<img{kind} src="{data_uri(to_pil(image))}" alt="{escape(alt)}">'


def figure(title: str, image: Image.Image) -> str:
    """An image at its own size, with its title; a narrow screen scrolls it sideways."""
    return (
        f'<div class="wide"><img src="{data_uri(image)}" alt="{escape(title)}" '
        f'width="{image.width}" height="{image.height}"></div>'
    )


def histogram(title: str, series: dict[str, Tensor]) -> str:
    """Histograms in one figure, in the colours of the light and of the dark page."""
    light, dark = (histogram_figure(title, series, dark=dark) for dark in (False, True))
    medians = (f"{name}, median {values.median():.4g}" for name, values in series.items())
    alt = f"{title}: {'; '.join(medians)}"
    return (
        '<figure class="drawn"><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{data_uri(dark)}">'
        f'<img src="{data_uri(light)}" alt="{escape(alt)}"></picture></figure>'
    )


def data_uri(image: Image.Image) -> str:
    """The image as a PNG inside an address."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
