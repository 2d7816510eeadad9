"""Picture files below a folder, and the middle square of a picture."""

from functools import partial
from pathlib import Path

from PIL import Image
from torch import Tensor

from textgan.file.home import expanded
from textgan.file.regular import Found, find_files
from textgan.image import from_pil
from textgan.image.file import MAX_MEGAPIXELS, PICTURE_SUFFIXES, middle, plain, read_picture


def find_pictures(folder: str | Path, *, follow_links: bool = False) -> Found:
    """Every picture file below a folder but hidden ones, sorted, and what was left out.

    Args:
        folder: looked through with all its sub-folders.
        follow_links: whether links below the folder are followed, wherever they lead; the folder
            itself may be one. Otherwise they are left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no pictures.
    """
    root = Path(expanded(folder))
    if not root.is_dir():
        raise FileNotFoundError(f"folder must be a folder of pictures, got {str(folder)!r}")
    found = find_files(root, PICTURE_SUFFIXES, follow_links=follow_links)
    if not found.files:
        rule = f"folder must hold pictures ({', '.join(PICTURE_SUFFIXES)}), got {root}"
        left_out = "".join(
            f", of which {path} is left out: {why}" for path, why in [*found.left_out.items()][:1]
        )
        raise ValueError(rule + left_out)
    return found


def read_square(
    path: str | Path, side: int, channels: int, *, max_megapixels: float = MAX_MEGAPIXELS
) -> Tensor:
    """The middle square of a picture file, as `middle_square` makes it.

    Raises:
        UnreadablePictureError: the file is missing or broken, or the picture has more than
            `max_megapixels` million pixels (see `read_picture`).
    """
    resize = partial(middle, size=side)
    image = read_picture(path, side, channels, resize=resize, max_megapixels=max_megapixels)
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
