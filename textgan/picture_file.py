"""From a picture file to upright pixels of 8 bits, the same ones for data and for pipelines."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
# Pillow promises no common base: these are what its decoders raise on broken files
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, SyntaxError),
    *(RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


class UnreadablePictureError(ValueError):
    """A picture file that cannot be decoded; its text is the reason."""


def read_picture(
    path: str | Path,
    size: int,
    channels: int,
    *,
    resize: Callable[[Image.Image], Image.Image],
    background: str = "white",
) -> Image.Image:
    """A picture file, as `plain` and then `resize` make it; of an animation the first frame.

    Args:
        path: of the file.
        size: how large it is needed: a large JPEG is decoded to no less than twice that.
        channels: 1 gray, 3 RGB, 4 RGBA.
        resize: brings the whole picture to the size that is needed.
        background: a colour that Pillow knows.

    Raises:
        UnreadablePictureError: the file is missing or broken.
    """
    try:
        with Image.open(path) as file:
            file.draft(None, (2 * size, 2 * size))  # 3 times faster
            return resize(plain(file, channels, background))
    except _BROKEN as error:
        raise UnreadablePictureError(_reason(error)) from error


def plain(image: Image.Image, channels: int, background: str = "white") -> Image.Image:
    """A picture in the mode of as many channels, of 8 bits.

    It is turned upright as its EXIF says, transparency is laid on the background (kept with 4
    channels), gray of 16 bits scaled to 8.

    Raises:
        ValueError: its pixels are floating-point numbers.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):  # Pillow's own conversion clips 16 bits at 255
        levels = np.asarray(image).clip(0, 65535) / 257
        image = Image.fromarray(levels.round().astype(np.uint8))
    if channels != 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(canvas, image).convert("RGB")
    return image.convert(MODES[channels])


def middle(image: Image.Image, size: int, longest: float = 1) -> Image.Image:
    """The middle of a picture, its shorter side resized to `size` by LANCZOS, antialiased.

    Args:
        image: of any size.
        size: of the shorter side.
        longest: what is further from the middle is cut, where the longer side is more than so many
            times the shorter one; 1 gives a square.
    """
    short = min(image.size)
    width, height = (min(side, longest * short) for side in image.size)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return image.resize(
        (round(size * width / short), round(size * height / short)),
        Image.Resampling.LANCZOS,
        box=(left, top, left + width, top + height),
        reducing_gap=3.0,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture that Pillow can read"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
