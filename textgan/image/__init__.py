"""Images: value ranges, files, grids."""

from textgan.image.grid import captioned_grid, enlarged, gif, on_white, save_png
from textgan.image.range import (
    from_pil,
    from_uint8,
    from_unit,
    to_pil,
    to_rgb_uint8,
    to_uint8,
    to_unit,
)

__all__ = [
    "captioned_grid",
    "enlarged",
    "from_pil",
    "from_uint8",
    "from_unit",
    "gif",
    "on_white",
    "save_png",
    "to_pil",
    "to_rgb_uint8",
    "to_uint8",
    "to_unit",
]
