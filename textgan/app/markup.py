"""The changing parts of the page as HTML. All text from elsewhere is escaped."""

from html import escape

from PIL import Image

from textgan.app.animation import Animation
from textgan.app.image_file import columns_of, data_url, file_name, grid, png_url
from textgan.app.sampling import SampleRequest, Samples
from textgan.image import gif

EMPTY = '<div class="tg-empty"></div>'
_DOT = " &middot; "


def facts(*words: str) -> str:
    """Texts in a row, with dots between them."""
    return _DOT.join(map(escape, words))


def header(text: str) -> str:
    """The head of the page, over HTML such as that of `facts`."""
    return f'<header class="tg-header"><h1>textgan</h1><p>{text}</p></header>'


def subtitle(text: str) -> str:
    """The line above one of several models."""
    return f'<p class="tg-subtitle">{text}</p>'


def chips(label: str, words: list[str], *, toggles: bool = False) -> str:
    """A row of buttons, or nothing without words.

    Args:
        label: the purpose of the buttons.
        words: the text of each button.
        toggles: whether a button stays pressed.
    """
    if not words:
        return ""
    state = ' aria-pressed="false"' if toggles else ""
    buttons = "".join(
        f'<button type="button" data-place="{place}"{state}>{escape(word)}</button>'
        for place, word in enumerate(words)
    )
    return (
        f'<div class="tg-chips" role="group" aria-label="{escape(label)}">'
        f"<span>{escape(label)}</span>{buttons}</div>"
    )


def image_grid(request: SampleRequest, images: list[Image.Image]) -> str:
    """The images of a request, each with a link that saves it."""
    columns = columns_of(len(images))
    rows = -(-len(images) // columns)
    figures = "".join(_figure(request, place, image) for place, image in enumerate(images))
    link = ""
    if len(images) > 1:
        name = file_name(request.caption, request.seed, "-grid.png")
        link = _link(png_url(grid(images)), name, "Save all in one PNG")
    return (
        f'<div class="tg-grid" style="--columns:{columns};--rows:{rows}">{figures}</div>'
        f'<p class="tg-save">{link}</p>'
    )


def moving(animation: Animation) -> str:
    """An animation, and below it a strip of its frames."""
    url = data_url(gif(animation.frames), "gif")
    ends = escape(f"From {animation.start} to {animation.end}")
    name = file_name(f"{animation.start} to {animation.end}", animation.seed, ".gif")
    strip = "".join(_image("", png_url(frame)) for frame in animation.frames)
    return (
        f'<div class="tg-moving">{_image(ends, url)}</div>'
        f'<div class="tg-strip" aria-hidden="true">{strip}</div>'
        f'<p class="tg-save">{_link(url, name, "Save as GIF")}</p>'
    )


def sampled(samples: Samples) -> str:
    """The status line of sampled images."""
    number, unread = len(samples.images), samples.unread_words
    what = "1 image" if number == 1 else f"{number} images"
    last = "the last word was" if unread == 1 else f"the last {unread} words were"
    notes = [f"{last} not read, because the caption is too long"] if unread else []
    return status(what, samples.milliseconds, samples.request.seed, notes)


def status(what: str, milliseconds: float, seed: int | None, notes: list[str]) -> str:
    """One line: what was generated, in what time, from which seed if any, and further notes."""
    seeds = [] if seed is None else [f"seed {seed}"]
    facts = [f"{what} in {milliseconds:,.0f} ms", *seeds, *notes]
    return f'<p class="tg-status">{_DOT.join(escape(fact) for fact in facts)}</p>'


def unfinished(number: int) -> str:
    """The status line while images are drawn."""
    what = "The image is" if number == 1 else f"{number} images are"
    return f'<p class="tg-status">{what} being drawn &hellip;</p>'


def refused(reason: str) -> str:
    """One line: the reason why a request was refused."""
    return f'<p class="tg-status tg-refused">{escape(reason[:1].upper() + reason[1:])}</p>'


def _figure(request: SampleRequest, place: int, image: Image.Image) -> str:
    url = png_url(image)
    name = file_name(request.caption, request.seed, f"-{place + 1}.png")
    size = f"{image.width} &times; {image.height} pixels"
    return (
        f"<figure>{_image(escape(f'Image {place + 1}: {request.caption}'), url)}"
        f'<a class="tg-corner" href="{url}" download="{escape(name)}" '
        f'title="Save as PNG, {size}" aria-label="Save image {place + 1}">'
        '<span aria-hidden="true">&darr;</span></a></figure>'
    )


def _image(text: str, url: str) -> str:
    return f'<img alt="{text}" class="tg-pixels" src="{url}">'


def _link(url: str, name: str, text: str) -> str:
    return f'<a class="tg-button" href="{url}" download="{escape(name)}">{text}</a>'
