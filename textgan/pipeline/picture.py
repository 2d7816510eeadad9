"""Picture files below a folder, and the middle square of a picture."""

import os
from functools import partial
from pathlib import Path

from PIL import Image
from torch import Tensor

from textgan.home import expanded
from textgan.image import from_pil
from textgan.picture_file import middle, plain, read_picture

PICTURE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp"),
    *(".bmp", ".gif", ".tif", ".tiff", ".avif"),
)


def find_pictures(folder: str | Path) -> list[Path]:
    """Every picture file below a folder, sorted; hidden files and folders are left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no pictures.
    """
    root = Path(expanded(folder))
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
    image = read_picture(path, side, channels, resize=partial(middle, size=side))
    return from_pil(image, channels)


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
    return from_pil(middle(plain(image, channels), side), channels)
