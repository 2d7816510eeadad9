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
    save_gif,
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
    picture = to_pil(image)
    assert picture.mode == mode
    assert picture.size == (7, 5)
    assert torch.equal(from_pil(picture, channels), image)


def test_a_saved_png_comes_back_to_the_byte(tmp_path):
    picture = to_pil(torch.rand(3, 6, 6) * 2 - 1)
    save_png(picture, tmp_path / "new" / "folder" / "a.png")
    again = Image.open(tmp_path / "new" / "folder" / "a.png")
    assert np.array_equal(np.array(again), np.array(picture))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_grid_shows_each_picture_in_its_place(channels):
    images = torch.full((3, channels, 4, 4), -1.0)
    images[1], images[:, 3:] = 1.0, 1.0
    grid = captioned_grid(images, ["a", "b", "c"], columns=2, picture_width=16)
    assert grid.mode == "RGB"
    assert grid.width == 2 * 24 + 8
    assert grid.getpixel((8 + 8, 8 + 8)) == (0, 0, 0)
    assert grid.getpixel((8 + 24 + 8, 8 + 8)) == (255, 255, 255)
    second_row = (grid.height - 8) // 2 + 8
    assert grid.getpixel((8 + 8, second_row + 8)) == (0, 0, 0)


def test_a_long_caption_is_cut_after_four_lines():
    short = captioned_grid(torch.zeros(1, 3, 4, 4), ["a"], picture_width=64)
    four = captioned_grid(torch.zeros(1, 3, 4, 4), ["words " * 8], picture_width=64)
    endless = captioned_grid(torch.zeros(1, 3, 4, 4), ["words " * 200], picture_width=64)
    assert endless.height == four.height == short.height + 3 * 14


def test_enlarging_takes_the_largest_whole_multiple_and_keeps_pixels_sharp():
    picture = to_pil(torch.tensor([[[-1.0, 1.0, -1.0]]]))
    assert enlarged(picture, 8).size == (6, 2)
    assert np.array(enlarged(picture, 8))[0].tolist() == [0, 0, 255, 255, 0, 0]
    assert enlarged(picture, 2).size == (3, 1)


def test_an_animation_goes_there_and_back_and_rests_at_its_ends(tmp_path):
    frames = [Image.new("RGB", (4, 4), (level, 0, 0)) for level in (0, 100, 200)]
    save_gif(frames, tmp_path / "new" / "a.gif", milliseconds=50)
    animation = Image.open(tmp_path / "new" / "a.gif")
    seen = []
    for frame in range(animation.n_frames):
        animation.seek(frame)
        seen.append((animation.convert("RGB").getpixel((0, 0))[0], animation.info["duration"]))
    assert seen == [(0, 250), (100, 50), (200, 250), (100, 50)]
