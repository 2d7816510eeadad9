import io

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.image import (
    captioned_grid,
    enlarged,
    from_pil,
    from_uint8,
    from_unit,
    gif,
    save_png,
    to_pil,
    to_uint8,
    to_unit,
)


@pytest.mark.parametrize(
    ("value", "byte"),
    [
        (-1.0, 0),
        (1.0, 255),
        (0.0, 128),  # 127.5 to the even one
        (-5.0, 0),
        (5.0, 255),
        (1.005, 255),  # torchmetrics' truncation makes a 0 of it
        (-1.005, 0),
        (1 - 2 * 0.4 / 255, 255),  # rounded, never truncated
        (float("inf"), 255),
    ],
)
def test_bytes_are_clamped_and_rounded_and_never_wrap(value, byte):
    assert to_uint8(torch.tensor([value])).tolist() == [byte]


def test_every_byte_comes_back():
    every = torch.arange(256, dtype=torch.uint8)
    assert from_uint8(every).min() == -1
    assert from_uint8(every).max() == 1
    assert torch.equal(to_uint8(from_uint8(every)), every)


def test_half_precision_is_rounded_as_float_is():
    values = torch.linspace(-1, 1, 64).bfloat16()
    assert torch.equal(to_uint8(values), to_uint8(values.float()))


def test_the_unit_range_and_back_are_exact_and_unclamped():
    images = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0])
    assert to_unit(images).tolist() == [-0.5, 0.0, 0.5, 1.0, 2.0]
    assert torch.equal(from_unit(to_unit(images)), images)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_a_pil_image_has_the_mode_of_its_channels_and_comes_back(channels, mode):
    image = from_uint8(torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8))
    shown = to_pil(image)
    assert (shown.mode, shown.size) == (mode, (7, 5))
    assert torch.equal(from_pil(shown, channels), image)


def test_a_saved_png_comes_back_to_the_byte(tmp_path):
    image = to_pil(torch.rand(3, 6, 6) * 2 - 1)
    save_png(image, tmp_path / "new" / "folder" / "a.png")
    again = Image.open(tmp_path / "new" / "folder" / "a.png")
    assert np.array_equal(np.array(again), np.array(image))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_grid_shows_each_image_in_its_place(channels):
    images = torch.full((3, channels, 4, 4), -1.0)
    images[1], images[:, 3:] = 1.0, 1.0
    grid = captioned_grid(images, ["a", "b", "c"], columns=2, image_width=16)
    assert grid.mode == "RGB"
    assert grid.width == 2 * 24 + 8
    assert grid.getpixel((8 + 8, 8 + 8)) == (0, 0, 0)
    assert grid.getpixel((8 + 24 + 8, 8 + 8)) == (255, 255, 255)
    second_row = (grid.height - 8) // 2 + 8
    assert grid.getpixel((8 + 8, second_row + 8)) == (0, 0, 0)


def test_a_long_caption_is_cut_after_four_lines():
    short = captioned_grid(torch.zeros(1, 3, 4, 4), ["a"], image_width=64)
    four = captioned_grid(torch.zeros(1, 3, 4, 4), ["words " * 8], image_width=64)
    endless = captioned_grid(torch.zeros(1, 3, 4, 4), ["words " * 200], image_width=64)
    assert endless.height == four.height == short.height + 3 * 14


def test_pixels_become_squares():
    image = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
    large = np.asarray(enlarged(image, 10))  # 3 times
    assert large.shape == (12, 12)
    assert (large == np.kron(np.asarray(image), np.ones((3, 3)))).all()
    assert enlarged(large_one := Image.new("L", (300, 300))).size == large_one.size


def test_a_gif_goes_there_and_back_and_rests_at_the_ends():
    colors = ["red", "lime", "blue"]
    moving = Image.open(io.BytesIO(gif([Image.new("RGB", (16, 16), c) for c in colors])))
    seen = []
    for place in range(moving.n_frames):
        moving.seek(place)
        seen.append((moving.convert("RGB").getpixel((0, 0)), moving.info["duration"]))
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert seen == [(red, 700), (green, 90), (blue, 700), (green, 90)]
    assert moving.size == (256, 256)
    assert moving.info["loop"] == 0


def test_a_gif_of_two_frames_swings_between_them():
    moving = Image.open(io.BytesIO(gif([Image.new("L", (32, 32), c) for c in (0, 255)])))
    assert moving.n_frames == 2
