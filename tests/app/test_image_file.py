import pytest
from PIL import Image

from textgan.app.image_file import columns_of, file_name, grid, png_url


@pytest.mark.parametrize(
    ("number", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (9, 3), (10, 4), (16, 4)]
)
def test_a_grid_is_nearly_square(number, columns):
    assert columns_of(number) == columns


def test_a_grid_has_images_in_rows_on_white():
    sheet = grid([Image.new("RGB", (16, 16), c) for c in ("red", "lime", "blue")])
    assert sheet.size == (2 * (128 + 8) + 8, 2 * (128 + 8) + 8)
    places = {(8, 8): "red", (271, 8): "lime", (8, 271): "blue", (144, 144): "white"}
    for place, color in places.items():
        assert sheet.getpixel(place) == Image.new("RGB", (1, 1), color).getpixel((0, 0))
    assert sheet.getpixel((7, 7)) == (255, 255, 255)


def test_transparency_is_white_in_a_grid_and_stays_in_a_file(images_of):
    clear = Image.new("RGBA", (16, 16), (9, 9, 9, 0))
    assert grid([clear]).getpixel((20, 20)) == (255, 255, 255)
    (file,) = images_of(f'<img src="{png_url(clear)}">')
    assert file.getpixel((0, 0)) == (9, 9, 9, 0)


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("A (red:1.5) circle!", "a-red-1-5-circle-seed-7.png"),
        ("../../etc/passwd", "etc-passwd-seed-7.png"),
        ("红色的猫", "红色的猫-seed-7.png"),
        ("🙂", "image-seed-7.png"),
        ("x" * 100, "x" * 60 + "-seed-7.png"),
    ],
)
def test_a_file_has_the_name_of_its_caption(caption, name):
    assert file_name(caption, 7, ".png") == name
