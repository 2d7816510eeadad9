"""Render the images of a whole batch of scenes at once."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from textgan.image import from_uint8
from textgan.scene.grammar import BACKGROUNDS, COLOURS, SHAPES, TEXTURES, Scene
from textgan.scene.outline import REACH, coverage


@lru_cache(1)
def palette() -> tuple[np.ndarray, np.ndarray]:
    """COLOURS (8, 2, 3), plain and a texture's second shade, and BACKGROUNDS (4, 3), in [-1, 1]."""
    plain = torch.tensor(list(COLOURS.values()), dtype=torch.float32)
    light = (plain @ torch.tensor([0.299, 0.587, 0.114]) > 130)[:, None]
    second = torch.where(light, 0.45 * plain, 0.35 * plain + 0.65 * 255)
    grounds = torch.tensor(list(BACKGROUNDS.values()))
    return from_uint8(torch.stack([plain, second], 1)).numpy(), from_uint8(grounds).numpy()


def render(scenes: Sequence[Scene], layout: np.ndarray, image_size: int) -> Tensor:
    """Antialiased images (B, 3, image_size, image_size) float32 in [-1, 1].

    An object covers the ones after it.

    Args:
        scenes: B scenes.
        layout: (B, N, 4) from `textgan.scene.layout.place`.
        image_size: pixels along a side.
    """
    colours, grounds = palette()
    ground = [list(BACKGROUNDS).index(scene.background) for scene in scenes]
    pixels = np.repeat(grounds[ground], image_size**2, axis=0)  # (B * H * W, 3)
    spots = (layout * [image_size, image_size, image_size, 1]).astype(np.float32)
    # Only a window around each object is rendered: at most a quarter of the image.
    window = min(image_size, int(2 * REACH * spots[..., 2].max()) + 4)
    for k in reversed(range(layout.shape[1])):
        mine = [i for i, scene in enumerate(scenes) if len(scene.objects) > k]
        things = [scenes[i].objects[k] for i in mine]
        corner = np.rint(spots[mine, k, :2] - window / 2).astype(int).clip(0, image_size - window)
        columns, rows = (corner[:, axis, None] + np.arange(window) for axis in (0, 1))  # (M, P)
        alpha, pattern = coverage(
            np.array([SHAPES.index(thing.shape) for thing in things]),
            np.array([TEXTURES.index(thing.texture) for thing in things]),
            spots[mine, k],
            columns,
            rows,
        )
        shades = colours[[list(COLOURS).index(thing.colour) for thing in things]]  # (M, 2, 3)
        first, second = shades[:, 0, None, None], shades[:, 1, None, None]
        paint = first + pattern[..., None] * (second - first)  # (M, P, P, 3)
        where = (np.array(mine)[:, None] * image_size + rows) * image_size
        where = where[:, :, None] + columns[:, None]  # (M, P, P)
        under = pixels[where]
        pixels[where] = under + alpha[..., None] * (paint - under)
    images = torch.from_numpy(pixels).view(len(scenes), image_size, image_size, 3)
    return images.permute(0, 3, 1, 2).contiguous()
