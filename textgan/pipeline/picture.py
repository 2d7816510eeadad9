"""Picture files below a folder, and the middle square of a picture."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from textgan.image import from_pil

PICTURE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp"),
    *(".bmp", ".gif", ".tif", ".tiff", ".avif"),
)
# Pillow promises no common base: these are what its decoders raise on broken files
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, SyntaxError),
    *(RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


class UnreadablePictureError(ValueError):
    """A picture file that cannot be decoded; its text is the reason."""


def find_pictures(folder: str | Path) -> list[Path]:
    """Every picture file below a folder, sorted; hidden files and folders are left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no pictures.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"folder must be a folder of pictures, got {str(folder)!r}")
    found: list[Path] = []
    entered: set[str] = set()
    for here, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(here)
        seen = real in entered  # a link back up would never end
        entered.add(real)
        below[:] = [name for name in below if not seen and not name.startswith((".", "__"))]
        shown = [Path(here, name) for name in names if not seen and not name.startswith(".")]
        found += [path for path in shown if path.suffix.lower() in PICTURE_SUFFIXES]
    if not found:
        raise ValueError(f"folder must hold pictures ({', '.join(PICTURE_SUFFIXES)}), got {root}")
    return sorted(found)


def read_square(path: str | Path, side: int, channels: int) -> Tensor:
    """The middle square of a picture file, as `middle_square` makes it.

    Raises:
        UnreadablePictureError: the file is missing or broken.
    """
    try:
        with Image.open(path) as file:
            file.draft(None, (2 * side, 2 * side))  # a large JPEG is decoded no larger than needed
            return middle_square(file, side, channels)
    except _BROKEN as error:
        raise UnreadablePictureError(_reason(error)) from error


def middle_square(image: Image.Image, side: int, channels: int) -> Tensor:
    """The middle square of a PIL picture -> (channels, side, side) float32 in [-1, 1].

    The picture is turned upright as its EXIF says, transparency laid on white (kept with 4
    channels), gray of 16 bits scaled to 8. The square is resized by LANCZOS, antialiased. So the
    `folder` data with `crop: center` shows the same pixels.

    Args:
        image: of any size and mode but floating-point.
        side: of the square.
        channels: 1 gray, 3 RGB, 4 RGBA.

    Raises:
        ValueError: its pixels are floating-point numbers.
    """
    image = _plain(ImageOps.exif_transpose(image), channels)
    short = min(image.size)
    left, top = (image.width - short) / 2, (image.height - short) / 2
    square = image.resize(
        (side, side),
        Image.Resampling.LANCZOS,
        box=(left, top, left + short, top + short),
        reducing_gap=3.0,
    )
    return from_pil(square, channels)


def _plain(image: Image.Image, channels: int) -> Image.Image:
    """The picture in the mode of as many channels, of 8 bits."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):  # Pillow's own conversion clips 16 bits at 255
        levels = np.asarray(image).clip(0, 65535) / 257
        image = Image.fromarray(levels.round().astype(np.uint8))
    if channels != 4 and image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    return image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture that Pillow can read"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
