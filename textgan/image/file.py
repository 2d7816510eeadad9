"""Decode an image file to upright pixels of 8 bits, the same for data and for pipelines."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from textgan.file.regular import open_regular
from textgan.image.png_text import longest_text, may_expand, without_texts

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
MAX_MEGAPIXELS = 64.0
IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp"),
    *(".bmp", ".gif", ".tif", ".tiff", ".avif"),
)
# Pillow reads other formats too, of which some start a program or contain another image.
_FORMATS = (
    *("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF"),
    *("JPEG2000", "PPM", "TGA", "PCX", "QOI"),
)
_LARGE_TEXT = 1 << 20  # bytes in the file; a larger text of a PNG is never expanded
_BYTES_PER_PIXEL = 8  # the largest pixels have four channels of 16 bits
_ROOM = 64 * 2**20  # bytes of a file in addition to its pixels
# Pillow promises no common base class: its decoders raise these errors on broken files.
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, SyntaxError),
    *(RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


class UnreadableImageError(ValueError):
    """An image file that cannot be decoded; its text is the reason."""


def read_image(
    source: str | Path | BinaryIO,
    size: int | None,
    channels: int,
    *,
    resize: Callable[[Image.Image], Image.Image],
    background: str = "white",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Image.Image:
    """An image file, converted by `plain` and then by `resize`; of an animation the first frame.

    Args:
        source: path of the file, or its content as a binary file that can seek.
        size: the size that is needed: a large JPEG is decoded to no less than twice that. None
            means its own size.
        channels: 1 gray, 3 RGB, 4 RGBA.
        resize: resizes the whole image to the needed size.
        background: a colour that Pillow knows.
        max_megapixels: the limit of the size in the header, in million pixels. A JPEG counts with
            its decoded pixels, which are fewer if it is much larger than needed.

    Raises:
        UnreadableImageError: the file is missing, broken or too large, or not a regular file.
    """

    def decoded(file: BinaryIO) -> Image.Image:
        with _opened(file) as image:
            if _is_whole_in_memory(image):
                _check_pixels(image.size, max_megapixels)
            if size is not None:
                image.draft(None, (2 * size, 2 * size))  # 3 times faster
            _check_pixels(image.size, max_megapixels)
            return resize(plain(image, channels, background))

    is_path = isinstance(source, (str, Path))
    try:
        with open_regular(source) if is_path else nullcontext(source) as file:
            _check_bytes(file, max_megapixels)
            return _without_large_texts(file, decoded)
    except _BROKEN as error:
        raise UnreadableImageError(_reason(error)) from error


def check_max_megapixels(value: float) -> None:
    """Raise ValueError unless it is positive."""
    if not value > 0:
        raise ValueError(f"max_megapixels must be positive, got {value}")


def most_bytes(max_megapixels: float) -> int:
    """The limit in bytes of the file of an image of so many million pixels."""
    return int(max_megapixels * 1e6) * _BYTES_PER_PIXEL + _ROOM


def _without_large_texts(file: BinaryIO, decoded: Callable[[BinaryIO], Image.Image]) -> Image.Image:
    """The decoded file; a PNG whose texts are too large for Pillow is decoded without them."""
    if longest_text(file) > _LARGE_TEXT:
        return decoded(without_texts(file))
    try:
        return decoded(file)
    except ValueError:
        if not may_expand(file):
            raise
    return decoded(without_texts(file))


def _opened(file: BinaryIO) -> ImageFile.ImageFile:
    """The image of a file, its header read.

    `Image.open` has a limit of pixels for the whole process, and checks it before a JPEG can be
    reduced; so the readers that Pillow registered are called here.
    """
    file.seek(0)
    head = file.read(16)
    for name in _FORMATS:
        if name not in Image.OPEN:
            Image.init()
        factory, accepts = Image.OPEN.get(name, (None, None))
        accepted = factory is not None and (accepts is None or accepts(head))
        if not accepted or isinstance(accepted, str):  # a str means that a library is missing
            continue
        file.seek(0)
        try:
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # another reader may accept it
    raise UnidentifiedImageError


def _is_whole_in_memory(image: ImageFile.ImageFile) -> bool:
    """Whether a JPEG's decoder keeps all coefficients, even if few pixels are made of them.

    It does for a file of several scans, such as a progressive one.
    """
    if image.format not in ("JPEG", "MPO"):
        return False
    length = 6 + 2 * image.layers  # of the header of a scan of all channels
    image.fp.seek(-length, io.SEEK_CUR)  # Pillow has read up to its end
    return "progressive" in image.info or image.fp.read(3) != bytes([0, length, image.layers])


def _check_bytes(file: BinaryIO, max_megapixels: float) -> None:
    most = most_bytes(max_megapixels)
    length = file.seek(0, io.SEEK_END)
    if length > most:
        raise ValueError(
            f"its file has {length / 1e6:,.0f} MB, and an image of max_megapixels = "
            f"{max_megapixels:g} takes at most {most / 1e6:,.0f}"
        )


def _check_pixels(size: tuple[int, int], max_megapixels: float) -> None:
    width, height = size
    if width * height > max_megapixels * 1e6:
        raise ValueError(
            f"its {width:,} x {height:,} pixels are more than max_megapixels = {max_megapixels:g} "
            "allows"
        )


def plain(image: Image.Image, channels: int, background: str = "white") -> Image.Image:
    """An image in the 8-bit mode of this number of channels.

    It is rotated upright by its EXIF, transparency is laid on the background (kept with 4
    channels), 16-bit gray scaled to 8 bits.

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
    """The middle of an image, its shorter side resized to `size` by LANCZOS, antialiased.

    Args:
        image: of any size.
        size: of the shorter side.
        longest: the largest aspect ratio that is kept; the ends of a longer image are cut. 1 gives
            a square.
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
        return "it is not an image that Pillow can read"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
