"""Find image files below a folder, and read the middle square of an image."""

from functools import partial
from pathlib import Path

from PIL import Image
from torch import Tensor

from textgan.file.home import expanded
from textgan.file.regular import Found, find_files
from textgan.image import from_pil
from textgan.image.file import IMAGE_SUFFIXES, MAX_MEGAPIXELS, middle, plain, read_image


def find_images(folder: str | Path, *, follow_links: bool = False) -> Found:
    """Every image file below a folder except hidden ones, sorted, and what was left out.

    Args:
        folder: searched with all its sub-folders.
        follow_links: whether links below the folder are followed, wherever they lead; if not, they
            are left out. The folder itself may be a link in both cases.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no images.
    """
    root = Path(expanded(folder))
    if not root.is_dir():
        raise FileNotFoundError(f"folder must be an existing folder of images, got {str(folder)!r}")
    found = find_files(root, IMAGE_SUFFIXES, follow_links=follow_links)
    if not found.files:
        rule = f"folder must hold images ({', '.join(IMAGE_SUFFIXES)}), got {root}"
        example = [f"; for example, {path}: {why}" for path, why in found.left_out.items()][:1]
        raise ValueError(rule + "".join(example))
    return found


def read_square(
    path: str | Path, side: int, channels: int, *, max_megapixels: float = MAX_MEGAPIXELS
) -> Tensor:
    """The middle square of an image file, as returned by `middle_square`.

    Raises:
        UnreadableImageError: the file is missing or broken, or the image has more than
            `max_megapixels` million pixels (see `read_image`).
    """
    resize = partial(middle, size=side)
    image = read_image(path, side, channels, resize=resize, max_megapixels=max_megapixels)
    return from_pil(image, channels)


def middle_square(image: Image.Image, side: int, channels: int) -> Tensor:
    """The middle square of a PIL image -> (channels, side, side) float32 in [-1, 1].

    The image is rotated as its EXIF says, transparency is replaced by white (with 4 channels it is
    kept), and 16-bit gray is scaled to 8 bits. The square is resized by LANCZOS, antialiased. The
    pixels are equal to those of `data=folder` with `crop: center`.

    Args:
        image: of any size, and any mode except floating-point.
        side: of the square, in pixels.
        channels: 1 gray, 3 RGB, 4 RGBA.

    Raises:
        ValueError: the image's pixels are floating-point numbers.
    """
    return from_pil(middle(plain(image, channels), side), channels)
