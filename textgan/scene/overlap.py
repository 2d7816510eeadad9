"""Recognise objects that are rotated, textured, and in front of each other."""

from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from textgan.scene.grammar import SHAPES, TEXTURES
from textgan.scene.outline import centroid, pattern
from textgan.scene.render import palette
from textgan.scene.template import TURNS, UNCLEAR, Fit, Templates

_OBJECT = 0.42  # the least contrast of a pixel that belongs to an object
# A colour is present if it has this share of a region, and so many pixels within _NEAR of its RGB.
_SHARE, _PURE, _NEAR = 0.1, 3, 0.45
# Pixels between the middle of a half-hidden object and the middle of its visible part.
_STEPS = range(-6, 7, 2)
_HIDDEN = 0.1  # the cost of a template's pixel behind another object; a wrong pixel costs 1


class _Cut(NamedTuple):
    """A window around one colour's bounding box in a region.

    Attributes:
        colour: index in COLOURS.
        shades: (2, 3), the difference of the colour's two shades from the background.
        corner: x and y of the window in the region.
        seen: (W, W, 3), the pixels minus the background.
        opacity: (W, W) of this colour's object.
        others: (W, W), whether another object is at the pixel.
    """

    colour: int
    shades: np.ndarray
    corner: tuple[int, int]
    seen: np.ndarray
    opacity: np.ndarray
    others: np.ndarray


_Match = tuple[int, float, tuple[int, int]]
"""A template, the share that it leaves unexplained, and its shift in x and y."""


def explain_overlap(bank: Templates, seen: np.ndarray, ground: np.ndarray) -> list[list[Fit]]:
    """The objects of each region, one for each of its colours, the front one first.

    Args:
        bank: rotated templates, for windows of W x W.
        seen: (K, 4 W * W, 3), contrast with the background in windows of twice their side.
        ground: (K, 3), the background.
    """
    side = 2 * bank.window
    return [
        _objects(bank, region.reshape(side, side, 3), palette()[0] - below)
        for region, below in zip(seen, ground, strict=True)
    ]


def _objects(bank: Templates, seen: np.ndarray, shades: np.ndarray) -> list[Fit]:
    """The objects of a region (H, W, 3), given the contrasts of the colours' shades (8, 2, 3)."""
    colour = _colours(seen, shades)  # (H, W)
    present = np.unique(colour[colour >= 0]).tolist()
    if not present:
        return []
    cuts = [_cut(bank, seen, colour, c, shades[c]) for c in present]
    maps = np.stack([cut.opacity.reshape(-1, 1) for cut in cuts])
    template, _, rest = bank.match(maps, np.ones((len(cuts), 1, 1), dtype=np.float32))
    whole = [(t, left, (0, 0)) for t, left in zip(template, rest, strict=True)]
    if len(cuts) == 1:
        return [_fit(bank, cuts[0], whole[0], depth=0)]
    hidden = [_half_hidden(bank, cut) for cut in cuts]
    fits = []
    for depth, k in enumerate(_order(bank, colour, cuts, hidden)):
        match = hidden[k] if depth else whole[k]
        if depth and match[1] > UNCLEAR:
            continue  # these are mixed colours along an edge
        fits.append(_fit(bank, cuts[k], match, depth))
    return fits


def _fit(bank: Templates, cut: _Cut, match: _Match, depth: int) -> Fit:
    template, rest, shift = match
    shape, spot = bank.shape[template], bank.spots[template] + (*shift, 0, 0)
    mask = np.roll(bank.masks[template].reshape(bank.window, -1), shift[::-1], (0, 1))
    # At an outline the background shines through, and may look like a second shade.
    inside = (cut.opacity > 0.9) & (mask > 0.95)
    texture = _texture(bank, cut, SHAPES[shape], spot, inside)
    x, y = np.array(cut.corner) + spot[:2] - bank.window / 2
    return Fit(shape, cut.colour, texture, x, y, spot[2], rest, depth)


def _order(
    bank: Templates, colour: np.ndarray, cuts: list[_Cut], hidden: list[_Match]
) -> list[int]:
    """The objects from front to back: where two templates overlap, the front colour is visible."""
    covers = []
    for cut, (template, _, (x, y)) in zip(cuts, hidden, strict=True):
        mask = bank.masks[template].reshape(bank.window, bank.window)
        cover = np.pad(np.zeros(colour.shape, dtype=np.float32), bank.window)
        left, top = cut.corner[0] + x + bank.window, cut.corner[1] + y + bank.window
        cover[top : top + bank.window, left : left + bank.window] = mask
        covers.append(cover[bank.window : -bank.window, bank.window : -bank.window])
    behind = np.zeros(len(cuts))
    for a, b in permutations(range(len(cuts)), 2):
        both = covers[a] * covers[b]
        behind[a] += both[colour == cuts[b].colour].sum() - both[colour == cuts[a].colour].sum()
    return behind.argsort().tolist()


def _colours(seen: np.ndarray, shades: np.ndarray) -> np.ndarray:
    """The index in COLOURS of each pixel (H, W), -1 where there is no object.

    A pixel of an object lies on the lines between the background and the colour's two shades.
    """
    colour = np.full(seen.shape[:2], -1)
    there = np.square(seen).sum(-1) > _OBJECT**2
    pixels = seen[there]  # (P, 3)
    first, second = shades[:, 0], shades[:, 1]
    ends = ((0 * first, first), (0 * first, second), (first, second))
    away = np.min([_off_line(pixels, start, end) for start, end in ends], axis=0)  # (P, 8)
    share = np.bincount(away.argmin(1), minlength=len(shades)) / max(len(pixels), 1)
    pure = (np.linalg.norm(pixels[:, None] - first, axis=-1) < _NEAR).sum(0)
    present = (share > _SHARE) & (pure >= _PURE)
    if present.any():
        colour[there] = np.where(present, away, np.inf).argmin(1)
    return colour


def _off_line(pixels: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance (P, 8) of pixels (P, 3) to the segments between (8, 3) points."""
    along = end - start
    offset = pixels[:, None] - start
    place = ((offset * along).sum(-1) / np.square(along).sum(-1)).clip(0, 1)
    return np.linalg.norm(offset - place[..., None] * along, axis=-1)


def _cut(
    bank: Templates, seen: np.ndarray, colour: np.ndarray, mine: int, shades: np.ndarray
) -> _Cut:
    window = bank.window
    rows, columns = (np.flatnonzero((colour == mine).any(axis)) for axis in (1, 0))
    x, y = ((places[0] + places[-1] + 1 - window) // 2 for places in (columns, rows))
    near = (slice(y + window, y + 2 * window), slice(x + window, x + 2 * window))
    colour = np.pad(colour, window, constant_values=-1)[near]
    seen = np.pad(seen, ((window, window), (window, window), (0, 0)))[near]
    solid = 0.75 * np.linalg.norm(shades, axis=-1).min()
    opacity = (colour == mine) * (np.linalg.norm(seen, axis=-1) / solid).clip(0, 1)
    others = (colour >= 0) & (colour != mine)
    return _Cut(mine, shades, (x, y), seen, opacity.astype(np.float32), others)


def _half_hidden(bank: Templates, cut: _Cut) -> _Match:
    """The best match if other objects may hide a part."""
    shifts = list(product(_STEPS, _STEPS))
    weight = np.where(cut.others, _HIDDEN, 1).astype(np.float32)
    maps = np.stack([np.roll(cut.opacity, (-y, -x), (0, 1)).reshape(-1, 1) for x, y in shifts])
    weights = np.stack([np.roll(weight, (-y, -x), (0, 1)).reshape(-1) for x, y in shifts])
    template, _, rest = bank.match(maps, np.ones((len(maps), 1, 1), dtype=np.float32), weights)
    best = rest.argmin()
    return template[best], rest[best], shifts[best]


def _texture(bank: Templates, cut: _Cut, shape: str, spot: np.ndarray, inside: np.ndarray) -> int:
    """The index in TEXTURES that explains best where the second shade is.

    `spot` is x, y (from the window's middle), radius and angle; `inside` (W, W) selects the pixels.
    """
    along = cut.shades[1] - cut.shades[0]
    second = ((cut.seen[inside] - cut.shades[0]) @ along / (along @ along)).clip(0, 1)
    angle = spot[3] + np.arange(TURNS[shape]) * 2 * np.pi / TURNS[shape]
    angle = (angle[:, None] + np.deg2rad([-5, 0, 5])).reshape(-1, 1)  # (M, 1)
    radius = spot[2] * bank.image_size
    # A symmetric rotation is about the shape's centroid; the texture is fixed to its middle.
    x, y = centroid(shape) * radius
    fixed = spot[:2] + _turned(x, y, spot[3]) + bank.window / 2
    rows, columns = np.nonzero(inside)
    right, down = columns + 0.5 - fixed[0], rows + 0.5 - fixed[1]
    u, v = _turned(right, down, -angle)
    u, v = (u + x) / radius, (v + y) / radius  # (M, P)
    error = [np.square(second).sum()]
    for kind in range(1, len(TEXTURES)):
        drawn = pattern(
            np.full(len(u), kind), u[..., None], v[..., None], np.full((len(u), 1, 1), radius)
        )
        error.append(np.square(second - drawn[..., 0]).sum(1).min())
    return int(np.argmin(error))


def _turned(x: np.ndarray, y: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)])
