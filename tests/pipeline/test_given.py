"""Images and masks that a user gives."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.pipeline.given import given_image, given_mask

ROTATED = 6  # EXIF: the camera was turned, so that the first row is shown at the right


def photo(size: tuple[int, int], orientation: int) -> Image.Image:
    """A JPEG of red pixels with an orientation in its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, format="JPEG", exif=exif)
    return Image.open(file)


def marked(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Image.Image:
    """A black mask with white boxes (left, top, right, bottom)."""
    mask = Image.new("L", size)
    for box in boxes:
        mask.paste(255, box)
    return mask


def places(mask: torch.Tensor) -> list[tuple[int, int]]:
    """Row and column of each position that is marked."""
    return [tuple(place) for place in mask.nonzero().tolist()]


def test_a_mask_belongs_to_the_upright_photo():
    image = photo((32, 16), ROTATED)  # upright it has 16 x 32 pixels, of which the middle is used
    mask = marked((16, 32), (0, 8, 4, 12))
    assert places(given_mask(mask, image, 4)) == [(0, 0)]
    with pytest.raises(ValueError, match=r"size of the upright image, \(16, 32\), got \(32, 16\)"):
        given_mask(marked((32, 16), (0, 0, 32, 16)), image, 4)


def test_a_mask_that_is_a_photo_itself_is_turned_upright():
    mask = photo((32, 16), ROTATED)
    mask.paste("black", (0, 0, 32, 16))
    mask.paste("white", (8, 0, 12, 4))  # upright: the upper right of the middle square
    assert places(given_mask(mask, photo((32, 16), ROTATED), 4)) == [(0, 3)]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_place_is_unmarked_whatever_its_colour(mode):
    mask = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
    mask.paste((255, 255, 255, 255), (4, 8, 8, 12))
    assert places(given_mask(mask.convert(mode), torch.zeros(3, 4, 4), 4)) == [(2, 1)]


@pytest.mark.parametrize("side", [4, 16, 64, 999])
def test_one_white_pixel_marks_its_position(side):
    for x, y in ((0, 0), (side // 3, side // 2), (side - 1, side - 1)):
        mask = marked((side, side), (x, y, x + 1, y + 1))
        found = places(given_mask(mask, torch.zeros(3, 4, 4), 4))
        assert (y * 4 // side, x * 4 // side) in found


def test_only_positions_that_hold_white_pixels_are_marked():
    mask = marked((16, 16), (4, 4, 12, 8))
    assert places(given_mask(mask, torch.zeros(3, 4, 4), 4)) == [(1, 1), (1, 2)]
    assert places(given_mask(marked((2, 2), (1, 0, 2, 1)), torch.zeros(3, 4, 4), 4)) == [
        *((0, 2), (0, 3), (1, 2), (1, 3))
    ]
    gray = Image.new("L", (16, 16), 127)  # less than half is black
    gray.paste(128, (0, 0, 4, 4))
    assert places(given_mask(gray, torch.zeros(3, 4, 4), 4)) == [(0, 0)]


def test_half_a_pixel_at_the_edge_of_the_middle_square_is_part_of_it():
    for x, column in ((0, 0), (4, 3)):  # the square goes from 0.5 to 4.5
        mask = marked((5, 4), (x, 0, x + 1, 1))
        assert (0, column) in places(given_mask(mask, Image.new("RGB", (5, 4)), 4))


def test_a_bool_tensor_is_the_mask():
    mask = torch.eye(4) > 0
    assert torch.equal(given_mask(mask, Image.new("RGB", (9, 5)), 4), mask)


@pytest.mark.parametrize(
    ("mask", "kind", "sentence"),
    [
        (Image.new("L", (32, 16)), ValueError, "mark what is drawn anew, and it is empty"),
        (torch.zeros(4, 4) > 0, ValueError, "mark what is drawn anew, and it is empty"),
        (
            marked((32, 16), (0, 0, 8, 16), (24, 0, 32, 16)),
            ValueError,
            "mask must mark a place in the middle square of the image, which alone is used",
        ),
        (
            torch.ones(4, 4),
            ValueError,
            r"PIL image, or a bool tensor \(4, 4\), got a tensor of torch.float32",
        ),
        (
            np.ones((4, 4), dtype=bool),
            TypeError,
            r"PIL image, or a bool tensor \(4, 4\), got ndarray",
        ),
    ],
)
def test_a_mask_that_does_not_fit_is_a_sentence(mask, kind, sentence):
    with pytest.raises(kind, match=sentence):
        given_mask(mask, Image.new("RGB", (32, 16)), 4)


@pytest.mark.parametrize(
    ("image", "kind", "sentence"),
    [
        (
            np.zeros((4, 4, 3), dtype=np.uint8),
            TypeError,
            r"PIL image, or a tensor \(3, 4, 4\) in \[-1, 1\], got ndarray",
        ),
        (torch.full((3, 4, 4), -255.0), ValueError, r"numbers in \[-1, 1\], got -255"),
        (torch.full((3, 4, 4), torch.nan), ValueError, r"numbers in \[-1, 1\], got nan"),
        (
            torch.zeros(3, 4, 4, dtype=torch.uint8),
            ValueError,
            r"numbers in \[-1, 1\] of a float dtype, got torch.uint8",
        ),
    ],
)
def test_an_image_that_does_not_fit_is_a_sentence(image, kind, sentence):
    with pytest.raises(kind, match=sentence):
        given_image(image, 4, 3)
