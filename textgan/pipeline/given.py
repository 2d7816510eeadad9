"""Images and masks that a user gives to a pipeline."""

from math import ceil, floor

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from textgan.image.file import plain
from textgan.image.folder import middle_square

_WHITE = 128  # the darkest gray of 255 that marks


def given_image(image: Image.Image | Tensor, size: int, channels: int) -> Tensor:
    """An image for a model -> (C, H, W) float32 in [-1, 1].

    Args:
        image: a PIL image of any size and mode, whose middle square is taken, or (C, H, W) in
            [-1, 1].
        size: H and W, in pixels.
        channels: C: 1 (gray), 3 (RGB) or 4 (RGBA).

    Raises:
        TypeError: the image is neither a PIL image nor a tensor.
        ValueError: a tensor has another shape, dtype or range.
    """
    shape = (channels, size, size)
    if isinstance(image, Image.Image):
        image = middle_square(image, size, channels)
    elif not isinstance(image, Tensor):
        rule = f"image must be a PIL image, or a tensor {shape} in [-1, 1]"
        raise TypeError(f"{rule}, got {type(image).__name__}")
    if tuple(image.shape) != shape:
        raise ValueError(f"image must have the shape {shape}, got {tuple(image.shape)}")
    if not image.is_floating_point():
        raise ValueError(f"image must have numbers in [-1, 1] of a float dtype, got {image.dtype}")
    extreme = image.flatten()[image.abs().argmax()].item()  # NaN counts as the greatest
    if not abs(extreme) <= 1:
        raise ValueError(f"image must have numbers in [-1, 1], got {extreme:g}")
    return image.float()


def given_mask(mask: Image.Image | Tensor, image: Image.Image | Tensor, size: int) -> Tensor:
    """A mask of an image -> (H, W) bool, True where the image is to be drawn anew.

    Args:
        mask: (H, W) bool, or a PIL image of any mode, white where the image is drawn anew. A
            transparent pixel marks nothing. A position is marked if any white pixel of the middle
            square falls in it.
        image: as in `given_image`; a mask that is a PIL image has its size, if it is one too. Both
            sizes are those after a rotation by EXIF.
        size: H and W, in pixels.

    Raises:
        TypeError: the mask is neither a PIL image nor a tensor.
        ValueError: the mask has another size, shape or dtype, or marks nothing that is used.
    """
    if isinstance(mask, Image.Image):
        return _drawn_mask(mask, image, size)
    rule = f"mask must be a PIL image, or a bool tensor {(size, size)}"
    if not isinstance(mask, Tensor):
        raise TypeError(f"{rule}, got {type(mask).__name__}")
    if mask.dtype != torch.bool:
        raise ValueError(f"{rule}, got a tensor of {mask.dtype}")
    if tuple(mask.shape) != (size, size):
        raise ValueError(f"mask must have the shape {(size, size)}, got {tuple(mask.shape)}")
    _check_marks(mask)
    return mask


def _drawn_mask(mask: Image.Image, image: Image.Image | Tensor, size: int) -> Tensor:
    """The mask (H, W) of a PIL image."""
    mask = plain(mask, 1, "black")  # upright, and black where it is transparent
    if isinstance(image, Image.Image):
        upright = ImageOps.exif_transpose(image).size
        if mask.size != upright:
            rule = f"mask must have the size of the upright image, {upright}"
            raise ValueError(f"{rule}, got {mask.size}")
    marks = torch.from_numpy(np.asarray(mask) >= _WHITE)  # (height, width)
    _check_marks(marks)
    side = min(marks.shape)
    rows, columns = (
        slice(floor((length - side) / 2), ceil((length + side) / 2)) for length in marks.shape
    )
    square = marks[rows, columns]
    if not square.any():
        raise ValueError(
            "mask must mark a place in the middle square of the image, which alone is used, and "
            "all its marks are outside of it"
        )
    return F.adaptive_max_pool2d(square[None].float(), size)[0] > 0


def _check_marks(marks: Tensor) -> None:
    if not marks.any():
        raise ValueError("mask must mark what is drawn anew, and it is empty")
