"""From a picture file to a square of pixels."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError
from torch import Tensor

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_LONGEST = 4  # "random" keeps the middle of a picture that is longer than this many widths
# Pillow promises no common base: these are what its decoders raise on broken files
_BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, SyntaxError),
    *(RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


class UnreadableError(ValueError):
    """A picture file that cannot be decoded; its text is the reason."""


@dataclass(frozen=True)
class Crop:
    """A picture file -> pixels, and from these the square that is shown.

    EXIF orientation is applied, transparency laid on the background (kept with 4 channels), 16-bit
    gray scaled to 8 bits; an animation is its first frame. Resizing is by LANCZOS, antialiased.

    Attributes:
        image_size: side of the square.
        channels: 1 gray, 3 RGB, 4 RGBA.
        policy: "center", "random", "pad" or "squash" (see `Folder`).
        background: a colour that Pillow knows: a name or "#rrggbb".
    """

    image_size: int
    channels: int
    policy: str
    background: str

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise ValueError(f"image_size must be at least 1, got {self.image_size}")
        if self.channels not in _MODES:
            raise ValueError(f"channels must be 1, 3 or 4, got {self.channels}")
        if self.policy not in _POLICIES:
            raise ValueError(f"crop must be one of {', '.join(_POLICIES)}, got {self.policy!r}")
        try:
            ImageColor.getrgb(self.background)
        except ValueError as error:
            raise ValueError(
                f"background must be a colour name or #rrggbb, got {self.background!r}"
            ) from error

    def read(self, path: str | Path) -> np.ndarray:
        """The picture's pixels, (C, H, W) uint8.

        H = W = image_size, but under "random" the longer side is longer.

        Raises:
            UnreadableError: the file is missing or broken.
        """
        try:
            with Image.open(path) as file:
                file.draft(None, (2 * self.image_size, 2 * self.image_size))  # JPEG: 3 times faster
                image = _plain(
                    ImageOps.exif_transpose(file), _MODES[self.channels], self.background
                )
            image = _POLICIES[self.policy](image, self.image_size, self.background)
        except _BROKEN as error:
            raise UnreadableError(_reason(error)) from error
        pixels = np.asarray(image).reshape(image.height, image.width, self.channels)  # (H, W, C)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # (C, H, W)

    def window(self, pixels: Tensor, generator: np.random.Generator | None) -> Tensor:
        """The square of (C, H, W) pixels that is shown: drawn by `generator`, or the middle."""
        slack = [side - self.image_size for side in pixels.shape[1:]]
        if not any(slack):
            return pixels
        top, left = (
            room // 2 if generator is None else int(generator.integers(room + 1)) for room in slack
        )
        return pixels[:, top : top + self.image_size, left : left + self.image_size]


def _plain(image: Image.Image, mode: str, background: str) -> Image.Image:
    """The image in `mode`, without transparency unless the mode has it."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):  # Pillow's own conversion clips 16 bits at 255
        levels = np.asarray(image).clip(0, 65535) / 257
        image = Image.fromarray(levels.round().astype(np.uint8))
    if mode != "RGBA" and image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(canvas, image).convert("RGB")
    return image.convert(mode)


def _cut(image: Image.Image, size: int, longest: int) -> Image.Image:
    """The middle, at most `longest` times as long as wide, with the shorter side of `size`."""
    short = min(image.size)
    width, height = (min(side, longest * short) for side in image.size)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return image.resize(
        (round(size * width / short), round(size * height / short)),
        Image.Resampling.LANCZOS,
        box=(left, top, left + width, top + height),
        reducing_gap=3.0,
    )


def _center(image: Image.Image, size: int, background: str) -> Image.Image:
    return _cut(image, size, longest=1)


def _random(image: Image.Image, size: int, background: str) -> Image.Image:
    return _cut(image, size, longest=_LONGEST)


def _pad(image: Image.Image, size: int, background: str) -> Image.Image:
    scale = size / max(image.size)
    fitted = image.resize(
        tuple(max(1, round(side * scale)) for side in image.size),
        Image.Resampling.LANCZOS,
        reducing_gap=3.0,
    )
    colour = ImageColor.getcolor(background, image.mode)
    canvas = Image.new(
        image.mode, (size, size), (*colour[:3], 0) if image.mode == "RGBA" else colour
    )
    canvas.paste(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2))
    return canvas


def _squash(image: Image.Image, size: int, background: str) -> Image.Image:
    return image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)


_POLICIES: dict[str, Callable[[Image.Image, int, str], Image.Image]] = {
    "center": _center,
    "random": _random,
    "pad": _pad,
    "squash": _squash,
}


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture that Pillow can read"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
