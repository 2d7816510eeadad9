"""Which way a number is better."""

from fnmatch import fnmatchcase
from typing import Literal

Direction = Literal["lower", "higher", "neither"]

_DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(("fid", "fid_*", "fd_*", "kid", "kid_*", "kd_*"), "lower"),
    **dict.fromkeys(("precision", "recall", "density", "coverage"), "higher"),
    **dict.fromkeys(("inception_score", "r_precision"), "higher"),
    **dict.fromkeys(("clip_score", "text_image_similarity"), "higher"),
    **dict.fromkeys(("retrieval/*", "val/retrieval/*"), "higher"),
    **dict.fromkeys(("near_misses/accuracy", "val/near_misses/accuracy"), "higher"),
    **dict.fromkeys(("classification/accuracy", "val/classification/accuracy"), "higher"),
    **dict.fromkeys(("shape_alignment/*", "val/shape_alignment/*"), "higher"),
}
"""Pattern -> direction; one with a slash is of the whole name, any other of its last part.

What is not here has no better way: diversity, sharpness and the distances of memorisation are best
where they are those of the data, `real` is of the pictures, and size and speed are prices, the
speed that of a machine at some hour.
"""


def direction(number: str) -> Direction:
    """Whether a lower or a higher value is better, by the number's name, as "manifold/recall"."""
    last = number.rsplit("/", maxsplit=1)[-1]
    for pattern, better in _DIRECTIONS.items():
        if fnmatchcase(number if "/" in pattern else last, pattern):
            return better
    return "neither"
