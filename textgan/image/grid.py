"""Grids with captions, enlargements, and PNG and GIF files."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from textgan.file.atomic import whole
from textgan.image.font import font_for
from textgan.image.range import to_pil
from textgan.image.text_lines import wrapped

_FONT_SIZE, _BASELINE, _LINE = 11, 11, 14  # pixels: font size, line top to baseline, line height


def captioned_grid(
    images: Tensor, captions: Sequence[str], columns: int = 8, image_width: int = 128
) -> Image.Image:
    """Images in rows with their captions beneath.

    Args:
        images: (B, C, H, W) in [-1, 1].
        captions: B strings of any script for which there is a font (`textgan.image.font`), wrapped
            under their image, cut with an ellipsis after four lines.
        columns: images in a row.
        image_width: pixels that an image is enlarged to, by nearest neighbour, so that the model's
            own pixels stay visible.
    """
    size = (image_width, image_width * images.shape[-2] // images.shape[-1])
    fonts = [font_for(caption, _FONT_SIZE) for caption in captions]
    lines = [
        wrapped(caption, font, image_width) for caption, font in zip(captions, fonts, strict=True)
    ]
    text_height = _LINE * max(map(len, lines)) + 6
    rows = -(-len(captions) // columns)
    cell = (size[0] + 8, size[1] + text_height + 4)
    grid = Image.new(
        "RGB", (cell[0] * min(columns, len(captions)) + 8, cell[1] * rows + 8), "white"
    )
    draw = ImageDraw.Draw(grid)
    for place, (image, font, words) in enumerate(zip(images, fonts, lines, strict=True)):
        x, y = 8 + cell[0] * (place % columns), 8 + cell[1] * (place // columns)
        grid.paste(on_white(to_pil(image)).resize(size, Image.Resampling.NEAREST), (x, y))
        draw.rectangle((x - 1, y - 1, x + size[0], y + size[1]), outline="#cccccc")
        for row, line in enumerate(words):
            baseline = y + size[1] + 3 + _BASELINE + _LINE * row  # the same for every font
            draw.text((x, baseline), line, fill="black", font=font, anchor="ls")
    return grid


def save_png(
    image: Image.Image, path: str | Path, *, texts: Mapping[str, str] | None = None
) -> None:
    """Write a PNG; its folder is made if it does not exist.

    Args:
        image: of a mode that PNG has.
        path: of the file.
        texts: keyword -> text, which the file holds beside the pixels.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = PngInfo()
    for keyword, text in (texts or {}).items():
        held.add_itxt(keyword, text)
    with whole(path) as beside:
        image.save(beside, format="PNG", pnginfo=held)


def on_white(image: Image.Image) -> Image.Image:
    """An image as RGB, with white behind its transparent pixels."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def enlarged(image: Image.Image, width: int = 256) -> Image.Image:
    """The image enlarged by the least whole factor that gives at least this width."""
    factor = max(1, math.ceil(width / image.width))
    size = (image.width * factor, image.height * factor)
    return image.resize(size, Image.Resampling.NEAREST)


def gif(
    frames: Sequence[Image.Image], *, width: int = 256, frame_time: int = 90, end_time: int = 700
) -> bytes:
    """A GIF file that shows images of one size forwards and backwards, without end.

    Args:
        frames: two or more.
        width: pixels that each is enlarged to, at least.
        frame_time: milliseconds for which a frame is shown.
        end_time: milliseconds for which the first and the last are shown.
    """
    few_colours = [on_white(frame).quantize(256, dither=Image.Dither.NONE) for frame in frames]
    large = [enlarged(frame, width) for frame in few_colours]
    first, *others = [*large, *large[-2:0:-1]]
    between = [frame_time] * (len(frames) - 2)
    durations, file = [end_time, *between, end_time, *between], io.BytesIO()
    first.save(file, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return file.getvalue()
