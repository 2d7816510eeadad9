"""Pictures that a visitor's browser sends inside a request: checked before they are decoded."""

import base64
import io

from PIL import Image

from textgan.image.file import UnreadableImageError, read_image

SIDE = 256  # pixels of the square that the page sends at most; no model has larger images
_START = "data:image/png;base64,"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_picture(value: object, name: str, channels: int) -> Image.Image:
    """Decode the `data:` URL of a square PNG of at most 256 pixels.

    Of all formats only PNG is decoded, since the page sends nothing else.

    Args:
        value: what the request contains.
        name: of the picture, for messages.
        channels: 1 (gray) or 4 (RGBA).

    Raises:
        ValueError: it is anything else; the message is shown on the page.
    """
    if not isinstance(value, str) or not value.startswith(_START):
        raise ValueError(f"The {name} must be a PNG inside the request, got {value!r:.40}.")
    try:
        content = base64.b64decode(value[len(_START) :], validate=True)
    except ValueError as error:
        raise ValueError(f"The {name} must be in base64: {error}.") from error
    if not content.startswith(_SIGNATURE):
        raise ValueError(f"The {name} must be a PNG, and its first bytes are others.")
    try:
        image = read_image(
            io.BytesIO(content),
            SIDE,
            channels,
            resize=lambda image: image,
            background="black",
            max_megapixels=SIDE**2 / 1e6,
        )
    except UnreadableImageError as error:
        raise ValueError(f"The {name} cannot be read: {error}.") from error
    if image.width != image.height:
        raise ValueError(f"The {name} must be a square, got {image.width} x {image.height} pixels.")
    return image
