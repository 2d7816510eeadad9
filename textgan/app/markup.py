"""The parts of the page that change, as HTML. All text of others is escaped."""

from html import escape

from PIL import Image

from textgan.app.animation import Animation
from textgan.app.drawing import Drawing
from textgan.app.picture import address, columns_of, file_name, grid, png
from textgan.image import gif

EMPTY = '<div class="tg-empty"></div>'


def header(name: str, facts: list[str]) -> str:
    """The head of the page: which model draws, and what is to be known of it."""
    said = " &middot; ".join(escape(fact) for fact in [name, *facts])
    return f'<header class="tg-header"><h1>textgan</h1><p>{said}</p></header>'


def chips(label: str, words: list[str], *, pressed: int | None = None) -> str:
    """Words as buttons, each of which is up or down; without words, nothing.

    Args:
        label: what the buttons are for.
        words: what they bear.
        pressed: the place of the one that is down; None says that none can be.
    """
    if not words:
        return ""
    buttons = []
    for place, word in enumerate(words):
        state = "" if pressed is None else f' aria-pressed="{str(place == pressed).lower()}"'
        buttons.append(f'<button type="button" data-place="{place}"{state}>{escape(word)}</button>')
    return (
        f'<div class="tg-chips" role="group" aria-label="{escape(label)}">'
        f"<span>{escape(label)}</span>{''.join(buttons)}</div>"
    )


def pictures(drawing: Drawing, images: list[Image.Image]) -> str:
    """A drawing's pictures, or what was laid over them, each with a link that saves it."""
    columns = columns_of(len(images))
    rows = -(-len(images) // columns)
    figures = [_figure(drawing, place, image) for place, image in enumerate(images)]
    whole = ""
    if len(images) > 1:
        name = file_name(drawing.caption, drawing.seed, "-grid.png")
        whole = _link(address(png(grid(images)), "png"), name, "Save all in one PNG")
    return (
        f'<div class="tg-grid" style="--columns:{columns};--rows:{rows}">{"".join(figures)}</div>'
        f'<p class="tg-save">{whole}</p>'
    )


def moving(animation: Animation) -> str:
    """An animation's frames in motion, and beneath them at rest."""
    content = address(gif(animation.frames), "gif")
    ends = escape(f"From {animation.start} to {animation.end}")
    name = file_name(f"{animation.start} to {animation.end}", animation.seed, ".gif")
    still = "".join(
        f'<img alt="" class="tg-pixels" src="{address(png(frame), "png")}">'
        for frame in animation.frames
    )
    return (
        f'<div class="tg-moving"><img alt="{ends}" class="tg-pixels" src="{content}"></div>'
        f'<div class="tg-strip" aria-hidden="true">{still}</div>'
        f'<p class="tg-save">{_link(content, name, "Save as GIF")}</p>'
    )


def drawn_in(what: str, milliseconds: float, seed: int, notes: list[str]) -> str:
    """One line: what was drawn, in what time, and what else is to be said."""
    facts = [f"{what} in {milliseconds:,.0f} ms", f"seed {seed}", *notes]
    return f'<p class="tg-status">{" &middot; ".join(escape(fact) for fact in facts)}</p>'


def refused(reason: str) -> str:
    """One line: why nothing was drawn."""
    reason = reason[:1].upper() + reason[1:]
    return f'<p class="tg-status tg-refused">{escape(reason)}</p>'


def _figure(drawing: Drawing, place: int, image: Image.Image) -> str:
    content = address(png(image), "png")
    said = escape(f"Picture {place + 1}: {drawing.caption}")
    name = file_name(drawing.caption, drawing.seed, f"-{place + 1}.png")
    size = f"{image.width} &times; {image.height} pixels"
    return (
        f'<figure><img alt="{said}" class="tg-pixels" src="{content}">'
        f'<a class="tg-corner" href="{content}" download="{escape(name)}" '
        f'title="Save as PNG, {size}" aria-label="Save picture {place + 1}">'
        '<span aria-hidden="true">&darr;</span></a></figure>'
    )


def _link(content: str, name: str, said: str) -> str:
    return f'<a class="tg-button" href="{content}" download="{escape(name)}">{said}</a>'
