"""Limits of an image file: how many pixels, how many bytes, how much text."""

import io
import struct
import warnings
import zlib
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from textgan.image.file import UnreadableImageError, middle, read_image
from textgan.image.png_text import longest_text, without_texts


def read(path: Path | io.BytesIO, **limit: float) -> Image.Image:
    return read_image(path, 8, 3, resize=partial(middle, size=8), **limit)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def with_chunks(path: Path, *chunks: bytes, size: tuple[int, int] | None = None) -> Path:
    """A PNG with more chunks after its header, which may state another size."""
    content = path.read_bytes()
    header, rest = content[16:29], content[33:]
    if size is not None:
        header = struct.pack(">II", *size) + header[8:]
    path.write_bytes(content[:8] + png_chunk(b"IHDR", header) + b"".join(chunks) + rest)
    return path


@pytest.fixture
def red(tmp_path) -> Path:
    path = tmp_path / "red.png"
    Image.new("RGBA", (40, 30), (200, 10, 10, 255)).save(path)
    return path


def text(megabytes: int) -> bytes:
    return png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(megabytes << 20)))


def profile(megabytes: int) -> bytes:
    return png_chunk(b"iCCP", b"wide\0\0" + zlib.compress(bytes(megabytes << 20)))


def test_a_png_of_169_megapixels_is_refused_by_its_header(red):
    with_chunks(red, size=(13_000, 13_000))
    rule = "its 13,000 x 13,000 pixels are more than max_megapixels = 64 allows"
    with pytest.raises(UnreadableImageError, match=rule):
        read(red)


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tiff", "webp", "avif", "jpg", "jp2"])
def test_the_limit_holds_for_every_format(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    try:
        Image.new("RGB", (200, 100), (200, 10, 10)).save(path)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {suffix}")
    assert read(path, max_megapixels=0.02).size == (8, 8)
    if suffix == "jpg":  # is decoded to a quarter of its sides
        assert read(path, max_megapixels=0.005).size == (8, 8)
        limit = 0.0004
    else:
        limit = 0.0199
    with pytest.raises(UnreadableImageError, match="pixels are more than max_megapixels"):
        read(path, max_megapixels=limit)


@pytest.mark.parametrize("suffix", ["gif", "webp", "tiff", "png"])
def test_the_limit_holds_for_several_frames(tmp_path, suffix):
    frames = [Image.new("RGB", (200, 100), (level, 10, 10)) for level in (200, 100, 0)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    pixel = read(tmp_path / f"a.{suffix}", max_megapixels=0.02).getpixel((4, 4))
    assert abs(pixel[0] - 200) < 8
    with pytest.raises(UnreadableImageError, match="200 x 100 pixels"):
        read(tmp_path / f"a.{suffix}", max_megapixels=0.0199)


def test_a_progressive_jpeg_counts_whole_as_its_decoder_keeps_all_of_it(tmp_path):
    image = Image.new("RGB", (200, 100), (200, 10, 10))
    image.save(tmp_path / "a.jpg", progressive=True)
    assert read(tmp_path / "a.jpg", max_megapixels=0.02).size == (8, 8)
    with pytest.raises(UnreadableImageError, match="200 x 100 pixels"):
        read(tmp_path / "a.jpg", max_megapixels=0.0199)


def test_a_jpeg_whose_scans_hold_a_channel_each_counts_whole(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (200, 100), (200, 10, 10)).save(path)
    content = path.read_bytes()
    all_channels = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
    assert content.count(all_channels) == 1
    path.write_bytes(content.replace(all_channels, b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"))
    with pytest.raises(UnreadableImageError, match="200 x 100 pixels"):
        read(path, max_megapixels=0.0199)


def test_pillows_own_limit_neither_refuses_nor_warns(red, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(red).getpixel((4, 4)) == (200, 10, 10)
        assert read(tmp_path / "a.jpg").size == (8, 8)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_file_far_larger_than_its_pixels_is_refused_unread(red):
    with red.open("r+b") as file:
        file.truncate(2**31)  # a hole, which takes no room on the disk
    with pytest.raises(UnreadableImageError, match="its file has 2,147 MB"):
        read(red)


@pytest.mark.parametrize("chunk", [text(2), profile(2)], ids=["text", "profile"])
def test_a_large_text_or_profile_does_not_keep_an_image_from_being_read(red, chunk):
    with_chunks(red, chunk)
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):
        Image.open(red)
    assert read(red).getpixel((4, 4)) == (200, 10, 10)


def test_a_text_behind_the_pixels_and_one_that_is_not_packed_are_no_hindrance(red):
    content = red.read_bytes()
    large = png_chunk(b"tEXt", b"parameters\0" + b"x" * (70 << 20))
    red.write_bytes(content[:-12] + text(2) + large + content[-12:])
    assert read(red).getpixel((4, 4)) == (200, 10, 10)


def test_small_texts_stay(red):
    small = png_chunk(b"tEXt", b"Comment\0upright")
    with_chunks(red, small, text(2))
    with red.open("rb") as file:
        assert longest_text(file) > 1000
        copy = without_texts(file)
    assert longest_text(copy) == len(b"Comment\0upright")
    assert Image.open(copy).text == {"Comment": "upright"}


def test_a_broken_image_with_texts_says_what_is_broken(red):
    with_chunks(red, text(2))
    red.write_bytes(red.read_bytes()[:-40])
    with pytest.raises(UnreadableImageError, match="truncated"):
        read(red)


def test_the_content_of_a_file_is_read_like_the_file(red):
    assert read(io.BytesIO(red.read_bytes())).tobytes() == read(red).tobytes()


def test_formats_that_start_programs_are_not_read(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(UnreadableImageError, match="not an image"):
        read(tmp_path / "a.png")
