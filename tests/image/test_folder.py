"""Images are found and read as by the data module."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.data.crop import Crop
from textgan.file.regular import LINK
from textgan.image import from_uint8, to_pil
from textgan.image.file import UnreadableImageError
from textgan.image.folder import find_images, middle_square, read_square

NOISE = np.random.default_rng(0).integers(0, 256, (37, 50, 4), dtype=np.uint8)
ROTATED = 6  # EXIF: the file lies on its side


def upright(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(NOISE[..., 0].astype(np.uint16) * 200)
    return Image.fromarray(NOISE).convert(mode)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16", "LA"])
@pytest.mark.parametrize("side", [8, 64])
def test_a_file_is_read_as_the_folder_data_crops_its_middle(tmp_path, mode, channels, side):
    upright(mode).save(tmp_path / "x.png")
    expected = Crop(side, channels, "center", "white").read(tmp_path / "x.png")
    square = read_square(tmp_path / "x.png", side, channels)
    assert square.dtype == torch.float32
    torch.testing.assert_close(square, from_uint8(torch.tensor(expected)))


def test_a_jpeg_is_turned_as_its_exif_says(tmp_path):
    image = Image.new("RGB", (40, 40), "white")
    image.paste("black", (0, 0, 40, 20))  # the upper half, which lies right when turned
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    image.save(tmp_path / "x.jpg", exif=exif)
    square = read_square(tmp_path / "x.jpg", 8, 3)
    assert square[..., 1:7, 5:].max() < -0.8
    assert square[..., 1:7, :3].min() > 0.8


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_square_of_the_right_size_and_mode_is_not_changed(channels):
    pixels = torch.from_numpy(NOISE[:16, :16, :channels].copy()).permute(2, 0, 1)
    if channels == 4:
        pixels[3] = 255
    images = from_uint8(pixels)
    torch.testing.assert_close(middle_square(to_pil(images), 16, channels), images)


def test_what_lies_beside_the_middle_square_is_not_seen():
    image = Image.new("RGB", (30, 10), "red")
    image.paste("blue", (10, 0, 20, 10))
    expected = torch.tensor([-1.0, -1.0, 1.0])[:, None, None].expand(3, 10, 10)
    torch.testing.assert_close(middle_square(image, 10, 3), expected)
    torch.testing.assert_close(middle_square(image.rotate(90, expand=True), 10, 3), expected)


def test_transparency_is_white_but_for_four_channels():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert middle_square(clear, 4, 3).min() == 1
    assert middle_square(clear, 4, 1).min() == 1
    assert middle_square(clear, 4, 4)[3].max() == -1


def test_a_broken_or_missing_file_is_a_reason(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(NOISE[..., :3]).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(NOISE[..., 0].astype(np.float32)).save(tmp_path / "float.tif")
    for name, said in {
        "text.png": "not an image that Pillow can read",
        "cut.png": "truncated",
        "none.png": "No such file",
        "float.tif": "floating-point",
    }.items():
        with pytest.raises(UnreadableImageError, match=said):
            read_square(tmp_path / name, 8, 3)


def test_images_are_found_in_folders_below_and_hidden_ones_left_out(tmp_path):
    root = tmp_path / ".root"  # the folder that was named may itself be hidden
    shown = ["b.PNG", "a.jpg", "deep/er/c.webp"]
    for name in [*shown, ".hidden/d.png", "deep/.e.png", "__MACOSX/f.png", "notes.txt", "g"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "deep" / "up").symlink_to(root, target_is_directory=True)
    found = find_images(root)
    assert found.files == sorted(root / name for name in shown)
    assert found.left_out == {root / "deep" / "up": LINK}
    assert find_images(str(root)) == found
    assert find_images(root, follow_links=True).files == found.files


def test_a_folder_that_is_empty_missing_or_a_file_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"folder must hold images \(.png, .* got "):
        find_images(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe.png: it must be a regular file"):
        find_images(tmp_path)
    (tmp_path / "a.png").touch()
    for path in (tmp_path / "none", tmp_path / "a.png"):
        with pytest.raises(
            FileNotFoundError, match="folder must be an existing folder of images, got"
        ):
            find_images(path)
