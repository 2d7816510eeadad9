"""Images and masks that a user gives to a pipeline."""

from PIL import Image
from torch import Tensor

from textgan.image.folder import middle_square


def given_image(image: Image.Image | Tensor, size: int, channels: int) -> Tensor:
    """An image for a model -> (C, H, W) float32 in [-1, 1].

    Args:
        image: a PIL image of any size and mode, whose middle square is taken, or (C, H, W) in
            [-1, 1].
        size: H and W, in pixels.
        channels: C: 1 (gray), 3 (RGB) or 4 (RGBA).

    Raises:
        ValueError: a tensor has another shape or range.
    """
    if isinstance(image, Image.Image):
        image = middle_square(image, size, channels)
    shape = (channels, size, size)
    if tuple(image.shape) != shape:
        raise ValueError(f"image must have the shape {shape}, got {tuple(image.shape)}")
    if not image.is_floating_point() or not image.abs().max() <= 1:
        raise ValueError("image must have numbers in [-1, 1]")
    return image.float()


def given_mask(mask: Image.Image | Tensor, image: Image.Image | Tensor, size: int) -> Tensor:
    """A mask of an image -> (H, W) bool, True where the image is to be drawn anew.

    Args:
        mask: (H, W) bool, or a PIL image, white where the image is drawn anew.
        image: as in `given_image`; a mask that is a PIL image has its size, if it is one too.
        size: H and W, in pixels.

    Raises:
        ValueError: the mask has another shape, or marks nothing.
    """
    if isinstance(mask, Image.Image):
        if isinstance(image, Image.Image) and mask.size != image.size:
            raise ValueError(f"mask must have the image's size {image.size}, got {mask.size}")
        mask = middle_square(mask.convert("L"), size, 1)[0] > 0
    if tuple(mask.shape) != (size, size):
        raise ValueError(f"mask must have the shape {(size, size)}, got {tuple(mask.shape)}")
    if not mask.any():
        raise ValueError("mask must mark what is drawn anew, and it is empty")
    return mask.bool()
