"""Rendered templates of every shape, and their match with an image."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from textgan.scene.grammar import SHAPES
from textgan.scene.outline import REACH, coverage

TURNS: dict[str, int] = {
    "circle": 24,
    "square": 4,
    "triangle": 3,
    "star": 5,
    "cross": 4,
    "ring": 24,
}
"""Number of rotations that leave a shape unchanged; for the round ones, which have no limit, 24."""


UNCLEAR = 0.6
"""If the best template leaves more than this share of the contrast unexplained, it is no shape."""


class Fit(NamedTuple):
    """An object explained by a template: indices in SHAPES, COLOURS and TEXTURES, and its position.

    x and y are in pixels, radius is a share of the image, rest the share of the contrast that the
    template leaves unexplained, depth 0 in front.
    """

    shape: int
    colour: int
    texture: int
    x: float
    y: float
    radius: float
    rest: float
    depth: int


@dataclass(frozen=True)
class Templates:
    """T shapes in a window of W x W pixels, their bounding boxes near its middle.

    Attributes:
        image_size: of the images.
        window: W.
        masks: (T, W * W) float32, the share of each pixel that is covered.
        power: (T,), the masks' sums of squares.
        shape: (T,) indices in SHAPES.
        spots: (T, 4): x and y in pixels from the window's middle, radius as a share of the image,
            angle.
    """

    image_size: int
    window: int
    masks: np.ndarray
    power: np.ndarray
    shape: np.ndarray
    spots: np.ndarray

    def match(
        self, seen: np.ndarray, colours: np.ndarray, weight: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The template and the colour with the least squared error, for each of K windows.

        Args:
            seen: (K, W * W, C), zero where there is nothing.
            colours: (K, J, C), the possible values of a covered pixel.
            weight: (K, W * W), the weight of pixels that are zero in `seen`; None means 1.

        Returns:
            Indices of the templates (K,) and of the colours (K,), and the error over the energy of
            `seen` (K,).
        """
        k, pixels, channels = seen.shape
        overlap = self.masks @ seen.transpose(1, 0, 2).reshape(pixels, -1)  # (T, K * C)
        overlap = overlap.reshape(-1, k, channels).transpose(1, 0, 2)  # (K, T, C)
        power = self.power[None] if weight is None else weight @ np.square(self.masks).T  # (K, T)
        energy = np.square(seen).sum((1, 2))
        error = power[..., None] * np.square(colours).sum(-1)[:, None]  # (K, T, J)
        error -= 2 * overlap @ colours.transpose(0, 2, 1)
        error = error.reshape(k, -1)
        best = error.argmin(1)
        share = 1 + error[np.arange(k), best] / np.maximum(energy, 1e-9)
        return best // colours.shape[1], best % colours.shape[1], share


@lru_cache(4)
def templates(image_size: int, hard: bool) -> Templates:
    """The templates for an image size: crisp and soft ones, as images are; rotated where hard."""
    pixel = image_size / 32
    radii = np.geomspace(0.078, 0.335, 16)
    if hard:
        kinds = [(s, a) for s, name in enumerate(SHAPES) for a in _angles(name)]
        shifts = list(product((-0.75, 0.0, 0.75), repeat=2))
    else:
        kinds = [(s, 0.0) for s in range(len(SHAPES))]
        # The bounding box of a soft triangle or star lies lower than that of a crisp one.
        shifts = list(product((-0.6 * pixel, 0, 0.6 * pixel), np.linspace(-1.2, 1.2, 5) * pixel))
    grid = np.array([(s, *xy, r, a) for (s, a), r, xy in product(kinds, radii, shifts)])
    shape, spots = grid[:, 0].astype(int), grid[:, 1:]
    window = int(2 * radii[-1] * (REACH if hard else 1.1) * image_size) + 5
    spots[:, :2] -= _middles(_draw(shape, spots * [0, 0, 1, 1], window, image_size))
    masks = _draw(shape, spots, window, image_size)
    if not hard:
        soft = [ndimage.gaussian_filter(masks, (0, s * pixel, s * pixel)) for s in (0.7, 1.1)]
        masks = np.concatenate([masks, *soft])
        shape, spots = np.tile(shape, 3), np.tile(spots, (3, 1))
    masks = masks.reshape(len(masks), -1)
    return Templates(image_size, window, masks, np.square(masks).sum(1), shape, spots)


def _angles(name: str) -> np.ndarray:
    """Every 15 degrees until the shape repeats itself."""
    return np.deg2rad(np.arange(0, 360 / TURNS[name], 15))


def _draw(shape: np.ndarray, spots: np.ndarray, window: int, image_size: int) -> np.ndarray:
    """(T, W, W) masks."""
    pixels = np.tile(np.arange(window), (len(shape), 1))
    spots = spots * [1, 1, image_size, 1] + [window / 2, window / 2, 0, 0]
    return coverage(shape, np.zeros_like(shape), spots.astype(np.float32), pixels, pixels)[0]


def _middles(masks: np.ndarray) -> np.ndarray:
    """(T, 2), x and y of the bounding boxes' middles, from the window's middle."""
    middles = []
    for axis in (1, 2):
        filled = (masks > 0.5).any(axis)  # (T, W)
        first, last = filled.argmax(1), filled.shape[1] - filled[:, ::-1].argmax(1)
        middles.append((first + last - filled.shape[1]) / 2)
    return np.stack(middles, 1)
