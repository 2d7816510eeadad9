"""Images as files inside the page: PNG, a grid of several, and their `data:` URLs."""

import base64
import io
import math
import re

from PIL import Image

from textgan.image import enlarged, on_white

_GAP = 8  # pixels between the images of a grid


def columns_of(number: int) -> int:
    """The number of columns with which a grid of `number` images is nearly square."""
    return math.ceil(math.sqrt(number))


def grid(images: list[Image.Image]) -> Image.Image:
    """Arrange images of one size, each enlarged to at least 128 pixels, in rows on white."""
    large = [enlarged(on_white(image), 128) for image in images]
    columns = columns_of(len(large))
    rows = math.ceil(len(large) / columns)
    width, height = large[0].width + _GAP, large[0].height + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    for place, image in enumerate(large):
        row, column = divmod(place, columns)
        sheet.paste(image, (_GAP + column * width, _GAP + row * height))
    return sheet


def png_url(image: Image.Image) -> str:
    """A `data:` URL with the image as a PNG file."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    return data_url(file.getvalue(), "png")


def data_url(content: bytes, kind: str) -> str:
    """A `data:` URL with the content of a file of kind "png" or "gif"."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def file_name(caption: str, seed: int | None, ending: str) -> str:
    """The name of a downloaded file: its caption, cut to 60 characters, and its seed if any."""
    words = re.sub(r"[^\w]+", "-", caption.lower()).strip("-")[:60].strip("-")
    return f"{words or 'image'}{'' if seed is None else f'-seed-{seed}'}{ending}"
