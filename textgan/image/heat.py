"""A map of attention as heat over an image."""

import matplotlib
import numpy as np
from PIL import Image

from textgan.image.grid import on_white


def overlay(image: Image.Image, heat: np.ndarray) -> Image.Image:
    """An image under a heat map: gray at 0, glowing at 1.

    Args:
        image: of mode L, RGB or RGBA; transparency is white.
        heat: (H, W) in [0, 1], of the image's size.
    """
    gray = np.asarray(on_white(image).convert("L"), dtype=np.float32)[..., None]  # (H, W, 1)
    glow = 255 * matplotlib.colormaps["inferno"](heat)[..., :3]  # (H, W, 3)
    opacity = 0.2 + 0.65 * heat[..., None]
    mixed = (1 - opacity) * gray + opacity * glow
    return Image.fromarray(mixed.round().astype(np.uint8))
