"""Crop an image file to a square of pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageColor
from torch import Tensor

from textgan.image.file import (
    MAX_MEGAPIXELS,
    MODES,
    check_max_megapixels,
    middle,
    read_image,
)

_LONGEST = 4  # "random" keeps only the middle of an image with a larger aspect ratio


@dataclass(frozen=True)
class Crop:
    """Decodes an image file, and crops the pixels to a square.

    EXIF orientation is applied, transparency laid on the background (kept with 4 channels), 16-bit
    gray scaled to 8 bits; an animation is its first frame. Resizing is by LANCZOS, antialiased.

    Attributes:
        image_size: side of the square.
        channels: 1 gray, 3 RGB, 4 RGBA.
        policy: "center", "random", "pad" or "squash" (see `Folder`).
        background: a colour that Pillow knows: a name or "#rrggbb".
        max_megapixels: an image of more million pixels is not decoded (see `read_image`).
    """

    image_size: int
    channels: int
    policy: str
    background: str
    max_megapixels: float = MAX_MEGAPIXELS

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise ValueError(f"image_size must be at least 1, got {self.image_size}")
        if self.channels not in MODES:
            raise ValueError(f"channels must be 1, 3 or 4, got {self.channels}")
        if self.policy not in _POLICIES:
            raise ValueError(f"crop must be one of {', '.join(_POLICIES)}, got {self.policy!r}")
        check_max_megapixels(self.max_megapixels)
        try:
            ImageColor.getrgb(self.background)
        except ValueError as error:
            raise ValueError(
                f"background must be a colour name or #rrggbb, got {self.background!r}"
            ) from error

    def read(self, source: str | Path | BinaryIO) -> np.ndarray:
        """The pixels of an image file, or of a file's content, (C, H, W) uint8.

        H = W = image_size, except that under "random" the longer side is longer.

        Raises:
            UnreadableImageError: the file is missing, broken or too large.
        """
        resize = _POLICIES[self.policy]
        image = read_image(
            source,
            self.image_size,
            self.channels,
            resize=lambda image: resize(image, self.image_size, self.background),
            background=self.background,
            max_megapixels=self.max_megapixels,
        )
        pixels = np.asarray(image).reshape(image.height, image.width, self.channels)  # (H, W, C)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # (C, H, W)

    def window(self, pixels: Tensor, generator: np.random.Generator | None) -> Tensor:
        """The square of (C, H, W) pixels that is shown: chosen by `generator`, or the middle."""
        slack = [side - self.image_size for side in pixels.shape[1:]]
        if not any(slack):
            return pixels
        top, left = (
            room // 2 if generator is None else int(generator.integers(room + 1)) for room in slack
        )
        return pixels[:, top : top + self.image_size, left : left + self.image_size]


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


_POLICIES: dict[str, Callable[[Image.Image, int, str], Image.Image]] = {
    "center": lambda image, size, _: middle(image, size),
    "random": lambda image, size, _: middle(image, size, longest=_LONGEST),
    "pad": _pad,
    "squash": lambda image, size, _: image.resize(
        (size, size), Image.Resampling.LANCZOS, reducing_gap=3.0
    ),
}
