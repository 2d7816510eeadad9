"""Pictures inside requests: only a square PNG of at most 256 pixels is decoded."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from textgan.app.picture import SIDE, read_picture

START = "data:image/png;base64,"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>'


def url(content: bytes) -> str:
    return START + base64.b64encode(content).decode()


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(width: int, height: int, pixels: bytes, *extra: bytes) -> bytes:
    """A PNG of 8-bit gray with these lines, compressed, and extra chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pixels, 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + data + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind)
    return file.getvalue()


SQUARE = Image.fromarray(np.arange(16 * 16 * 4, dtype=np.uint8).reshape(16, 16, 4))


@pytest.mark.parametrize(("mode", "channels"), [("RGBA", 4), ("L", 1)])
def test_a_png_arrives_pixel_by_pixel(mode, channels, png_of):
    sent = SQUARE.convert(mode)
    read = read_picture(png_of(sent), "picture", channels)
    assert read.mode == mode
    assert read.tobytes() == sent.tobytes()


def test_the_largest_picture_is_read(png_of):
    assert read_picture(png_of(Image.new("L", (SIDE, SIDE))), "picture", 1).size == (256, 256)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        *((value, "must be a PNG inside the request") for value in (7, True, [], {}, "", "x")),
        ("/etc/passwd", "must be a PNG inside the request, got '/etc/passwd'"),
        ("file:///etc/passwd", "must be a PNG inside the request"),
        ("http://localhost/a.png", "must be a PNG inside the request"),
        ({"path": "/etc/passwd"}, "must be a PNG inside the request"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "must be a PNG inside the request"),
        (f"{START}../../etc/passwd", "must be in base64"),
        (f"{START}iVBO\nRw0=", "must be in base64"),
        (f"{START}☃", "must be in base64"),
        (START, "first bytes are others"),
        (url(b"text"), "first bytes are others"),
        (url(SVG), "first bytes are others"),
        (url(saved(SQUARE.convert("RGB"), "JPEG")), "first bytes are others"),
        (url(saved(SQUARE, "TIFF")), "first bytes are others"),
        (url(b"\x89PNG\r\n\x1a\n" + SVG), "The picture cannot be read"),
        (url(saved(SQUARE, "PNG")[:-30]), "The picture cannot be read"),
        (url(png(30_000, 30_000, b"\0")), "its 30,000 x 30,000 pixels are more than"),
        (url(png(257, 256, bytes(258 * 256))), "its 257 x 256 pixels are more than"),
        (url(png(65_536, 1, bytes(65_537))), "must be a square, got 65536 x 1 pixels"),
        (url(png(0, 0, b"\0")), "picture"),
    ],
)
def test_all_else_is_refused_in_one_sentence(sent, message):
    with pytest.raises(ValueError, match="The picture") as raised:
        read_picture(sent, "picture", 4)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 200
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        png(16, 16, bytes(300_000_000)),  # far more pixels than its header tells
        png(16, 16, bytes(17 * 16), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))),
        png(16, 16, bytes(17 * 16), chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000)))),
    ],
    ids=["pixels", "text", "profile"],
)
def test_what_expands_when_it_is_decompressed_takes_little_memory(content, costs_little):
    with costs_little(megabytes=60):
        try:
            assert read_picture(url(content), "picture", 1).size == (16, 16)
        except ValueError as error:
            assert "cannot be read" in str(error)  # noqa: PT017
