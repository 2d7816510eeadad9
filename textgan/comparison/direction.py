"""The better direction of each number."""

from fnmatch import fnmatchcase
from typing import Literal

Direction = Literal["lower", "higher", "neither"]

_DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(("fid", "fid_*", "fd_*", "kid", "kid_*", "kd_*"), "lower"),
    **dict.fromkeys(("precision", "recall", "density", "coverage"), "higher"),
    **dict.fromkeys(("inception_score", "r_precision", "psnr", "ssim"), "higher"),
    **dict.fromkeys(("clip_score", "text_image_similarity"), "higher"),
    **dict.fromkeys(("retrieval/*", "val/retrieval/*"), "higher"),
    **dict.fromkeys(("near_misses/accuracy", "val/near_misses/accuracy"), "higher"),
    **dict.fromkeys(("classification/accuracy", "val/classification/accuracy"), "higher"),
    **dict.fromkeys(("shape_alignment/*", "val/shape_alignment/*"), "higher"),
}
"""Pattern -> direction; one with a slash matches the whole name, any other its last part.

Other numbers have no better direction: diversity, sharpness and the distances of memorisation are
best if they are those of the data, `real` belongs to the real images, and size and speed are costs,
the speed that of one machine at one time.
"""


def direction(number: str) -> Direction:
    """The better direction of a value, by the number's name, as "manifold/recall"."""
    last = number.rsplit("/", maxsplit=1)[-1]
    for pattern, better in _DIRECTIONS.items():
        if fnmatchcase(number if "/" in pattern else last, pattern):
            return better
    return "neither"
