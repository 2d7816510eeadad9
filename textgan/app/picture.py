"""Pictures as files that a page can hold: PNG, a grid of several, and their addresses."""

import base64
import io
import math
import re

from PIL import Image

from textgan.image import enlarged, on_white

_GAP = 8  # pixels between the pictures of a grid


def columns_of(number: int) -> int:
    """How many of so many pictures stand in a row, so that the grid is nearly square."""
    return math.ceil(math.sqrt(number))


def grid(pictures: list[Image.Image]) -> Image.Image:
    """Pictures of one size, each enlarged to at least 128 pixels, in rows on white."""
    large = [enlarged(on_white(picture), 128) for picture in pictures]
    columns = columns_of(len(large))
    rows = math.ceil(len(large) / columns)
    width, height = large[0].width + _GAP, large[0].height + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    for place, picture in enumerate(large):
        row, column = divmod(place, columns)
        sheet.paste(picture, (_GAP + column * width, _GAP + row * height))
    return sheet


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def address(content: bytes, kind: str) -> str:
    """A `data:` address that holds the whole file, of kind "png" or "gif"."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def file_name(caption: str, seed: int, ending: str) -> str:
    """What a downloaded file is called: its caption, cut to 60 characters, and its seed."""
    said = re.sub(r"[^\w]+", "-", caption.lower()).strip("-")[:60].strip("-")
    return f"{said or 'drawing'}-seed-{seed}{ending}"
