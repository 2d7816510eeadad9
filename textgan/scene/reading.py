"""Recognise the content of an image of shapes by rule, the inverse of rendering, without training.

An image is cut into connected regions that differ from its background, and each region is explained
by the rendered template and the palette's colour with the least squared error.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from textgan.scene.grammar import BACKGROUNDS, COLOURS, SHAPES, TEXTURES, SceneObject
from textgan.scene.layout import mean_radius
from textgan.scene.overlap import explain_overlap
from textgan.scene.render import palette
from textgan.scene.template import UNCLEAR, Fit, Templates, templates

_CONTRAST = 0.42  # half of the least contrast between a colour and a background
_LEAST_AREA = 1 / 128  # of the image: a third of the smallest object
_SOFT = 0.5  # pixels of 32: a blur against noise before anything is cut out


@dataclass(frozen=True, slots=True)
class Found:
    """An object in an image; its shape is "unclear" where no template is close.

    x and y are its middle as shares of the side. Objects that touch share a region, and the front
    one of them has depth 0.
    """

    thing: SceneObject
    x: float
    y: float
    region: int
    depth: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of an image; the background is None where its colour is closer to an object's."""

    objects: tuple[Found, ...]
    background: str | None


def relation(one: Found, two: Found) -> str:
    """The relation of one object to another: by depth if they touch, else by larger distance."""
    if one.region == two.region:
        return "in front of" if one.depth < two.depth else "behind"
    right, down = two.x - one.x, two.y - one.y
    if abs(right) > abs(down):
        return "left of" if right > 0 else "right of"
    return "above" if down > 0 else "below"


def read(images: Tensor, *, hard: bool = False) -> list[Reading]:
    """The content of each image.

    Args:
        images: (B, 3, H, H) in [-1, 1], on the CPU. Larger ones are first averaged down to 32 to 63
            pixels (64 to 127 where hard).
        hard: whether objects may be rotated, textured, or in front of each other: 20 times slower.

    Raises:
        ValueError: the images are not square RGB ones, or have NaN or infinite pixels.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        raise ValueError(f"images must be (B, 3, H, H), got {tuple(images.shape)}")
    if not images.isfinite().all():
        raise ValueError("images must be finite, got NaN or inf")
    images = _shrink(images, 64 if hard else 32)
    pixels = images.permute(0, 2, 3, 1).float().numpy()  # (B, H, W, 3)
    ground, backgrounds = _background(pixels)
    contrast = pixels - ground[:, None, None]
    bank = templates(pixels.shape[1], hard)
    labels, regions = _regions(contrast, soft=0.0 if hard else _SOFT * pixels.shape[1] / 32)
    found: list[list[tuple[int, Fit]]] = [[] for _ in pixels]
    if regions:
        window = bank.window * (2 if hard else 1)
        seen, corners = _windows(contrast, labels, regions, window)
        owner = [image for image, _, _ in regions]
        explain = explain_overlap if hard else _explain
        for k, fits in enumerate(explain(bank, seen, ground[owner])):
            x, y = corners[k] + window / 2
            found[owner[k]] += [(k, fit._replace(x=x + fit.x, y=y + fit.y)) for fit in fits]
    side = pixels.shape[1]
    return [
        Reading(_objects(fits, side), name) for fits, name in zip(found, backgrounds, strict=True)
    ]


def _shrink(images: Tensor, side: int) -> Tensor:
    factor = images.shape[-1] // side
    return adaptive_avg_pool2d(images, images.shape[-1] // factor) if factor > 1 else images


def _background(pixels: np.ndarray) -> tuple[np.ndarray, list[str | None]]:
    """The median colour (B, 3) along the images' edges, and the backgrounds' names."""
    edges = (pixels[:, 0], pixels[:, -1], pixels[:, 1:-1, 0], pixels[:, 1:-1, -1])
    ground = np.median(np.concatenate(edges, 1), 1)
    colours, grounds = palette()
    distance = np.linalg.norm(ground[:, None] - np.concatenate([grounds, colours[:, 0]]), axis=-1)
    names = [*BACKGROUNDS, *[None] * len(COLOURS)]
    return ground, [names[place] for place in distance.argmin(1)]


def _regions(contrast: np.ndarray, soft: float) -> tuple[np.ndarray, list[tuple[int, int, tuple]]]:
    """The regions' numbers (B, H, W), 0 for none, and (image, number, slices) of each."""
    smooth = ndimage.gaussian_filter(contrast, (0, soft, soft, 0), truncate=2) if soft else contrast
    within = np.zeros((3, 3, 3), dtype=bool)
    within[1] = True  # regions do not extend from one image of the batch to the next
    labels, count = ndimage.label(np.square(smooth).sum(-1) > _CONTRAST**2, within)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    large = area >= _LEAST_AREA * contrast.shape[1] ** 2
    large[0] = False
    labels = np.where(large[labels], labels, 0)
    regions = [
        (place[0].start, number, place[1:])
        for number, place in enumerate(ndimage.find_objects(labels), 1)
        if place is not None
    ]
    # Soft edges belong to the region inside them.
    return np.where(labels, labels, ndimage.maximum_filter(labels, (1, 5, 5))), regions


def _windows(
    contrast: np.ndarray, labels: np.ndarray, regions: list[tuple[int, int, tuple]], window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Each region alone in a window (K, W * W, 3), and the windows' corners (K, 2) as x and y."""
    contrast = np.pad(contrast, ((0, 0), (window, window), (window, window), (0, 0)))
    labels = np.pad(labels, ((0, 0), (window, window), (window, window)))
    seen, corners = [], []
    for image, number, (rows, columns) in regions:
        x = (columns.start + columns.stop - window) // 2
        y = (rows.start + rows.stop - window) // 2
        cut = (image, slice(y + window, y + 2 * window), slice(x + window, x + 2 * window))
        seen.append(contrast[cut] * (labels[cut] == number)[..., None])
        corners.append((x, y))
    return np.stack(seen).reshape(len(seen), window**2, 3), np.array(corners)


def _explain(bank: Templates, seen: np.ndarray, ground: np.ndarray) -> list[list[Fit]]:
    """One plain object for each region."""
    template, colour, rest = bank.match(seen, palette()[0][None, :, 0] - ground[:, None])
    return [
        [Fit(bank.shape[t], c, 0, *bank.spots[t, :3], rest=left, depth=0)]
        for t, c, left in zip(template, colour, rest, strict=True)
    ]


def _objects(fits: list[tuple[int, Fit]], side: int) -> tuple[Found, ...]:
    """Names for the objects; the limit between small and large depends on their number."""
    if not fits:
        return ()
    count = min(len(fits), 4)
    middle = (mean_radius("small", count) * mean_radius("large", count)) ** 0.5
    found = []
    for region, fit in fits:
        thing = SceneObject(
            size="small" if fit.radius < middle else "large",
            colour=list(COLOURS)[fit.colour],
            shape="unclear" if fit.rest > UNCLEAR else SHAPES[fit.shape],
            texture=TEXTURES[fit.texture],
        )
        found.append(Found(thing, fit.x / side, fit.y / side, region, fit.depth))
    return tuple(found)
