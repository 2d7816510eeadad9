"""Outlines and textures of the shapes at radius 1, and the share of each pixel that they cover."""

from functools import lru_cache

import numpy as np

from textgan.scene.grammar import SHAPES

_BINS = 180  # angles in the table of extents
_GRID, _EDGE = 513, 1.6  # the table of distances: points a side, and where its edge lies
_PERIOD, _DOT = 0.7, 0.3  # of a texture; a dot's radius in periods

REACH = 1.4
"""An upper bound on the distance of an outline's points from its middle, at radius 1."""


def _polygon(shape: str) -> np.ndarray | None:
    """(V, 2) vertices, the bounding box centred; None for round shapes.

    The sizes make shapes look about equally large; their areas and farthest points differ.
    """
    if shape == "square":
        return 0.86 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
    if shape == "cross":
        a, b = 1.04, 0.36
        upper = [(-a, -b), (-b, -b), (-b, -a), (b, -a), (b, -b), (a, -b)]
        return np.array(upper + [(-x, -y) for x, y in upper])
    if shape == "triangle":
        angle = np.deg2rad([-90, 30, 150])
        return 1.2 * np.stack([np.cos(angle), np.sin(angle)], 1) + (0, 0.3)
    if shape == "star":
        angle, radius = np.deg2rad(np.arange(10) * 36 - 90), np.where(np.arange(10) % 2, 0.5, 1.18)
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1) + (0, 0.11)
    return None


def _distance(shape: str, points: np.ndarray) -> np.ndarray:
    """Signed distance (...) of points (..., 2) to the outline, negative inside."""
    vertices = _polygon(shape)
    if vertices is None:
        outer = np.hypot(points[..., 0], points[..., 1]) - 1
        return outer if shape == "circle" else np.maximum(outer, -0.5 - outer)
    nearest, inside = np.full(points.shape[:-1], np.inf), np.zeros(points.shape[:-1], dtype=bool)
    for start, end in zip(vertices, np.roll(vertices, -1, 0), strict=True):
        edge, offset = end - start, points - start
        along = (offset @ edge / (edge @ edge)).clip(0, 1)
        nearest = np.minimum(nearest, np.square(offset - along[..., None] * edge).sum(-1))
        crosses = (points[..., 1] >= start[1]) != (points[..., 1] >= end[1])
        side = edge[0] * offset[..., 1] - edge[1] * offset[..., 0]
        inside ^= crosses & ((side > 0) == (edge[1] > 0))
    return np.where(inside, -1, 1) * np.sqrt(nearest)


@lru_cache(1)
def _distances() -> np.ndarray:
    """(shapes * grid * grid,) float32, a table: to look a distance up is many times faster."""
    axis = np.linspace(-_EDGE, _EDGE, _GRID)
    points = np.stack(np.meshgrid(axis, axis), -1)  # (y, x, 2)
    table = np.stack([_distance(shape, points) for shape in SHAPES])
    return table.astype(np.float32).reshape(-1)


@lru_cache(1)
def _extents() -> np.ndarray:
    """(shapes, angles, 2), the greatest |x| and |y| of each shape about its middle, radius 1."""
    angle = np.arange(_BINS) * 2 * np.pi / _BINS
    table = np.ones((len(SHAPES), _BINS, 2))
    for row, shape in enumerate(SHAPES):
        vertices = _polygon(shape)
        if vertices is not None:
            x = np.outer(np.cos(angle), vertices[:, 0]) - np.outer(np.sin(angle), vertices[:, 1])
            y = np.outer(np.sin(angle), vertices[:, 0]) + np.outer(np.cos(angle), vertices[:, 1])
            table[row] = np.abs(np.stack([x, y], -1)).max(1)
    return table


def extents(shape: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Greatest |x| and |y| of shapes (indices in SHAPES), rotated by an angle: (..., 2)."""
    bins = np.rint(angle * (_BINS / (2 * np.pi))).astype(int) % _BINS
    return _extents()[shape, bins]


def centroid(shape: str) -> np.ndarray:
    """(x, y) of the point about which a shape has its rotational symmetry."""
    vertices = _polygon(shape)
    return np.zeros(2) if vertices is None else vertices.mean(0)


def coverage(
    shape: np.ndarray,
    texture: np.ndarray,
    spots: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Share of each pixel inside a shape, and share of the texture's second colour, shape ignored.

    Args:
        shape: (M,) indices in SHAPES.
        texture: (M,) indices in TEXTURES.
        spots: (M, 4) float32: x, y and radius in pixels, angle in radians.
        columns: (M, P), the columns of the pixels; pixel i reaches from i to i + 1.
        rows: (M, P), the rows.

    Returns:
        Two (M, P, P) float32 in [0, 1], over rows and columns.
    """
    x, y, radius, angle = spots.T[:, :, None, None]
    right = (columns[:, None, :] + np.float32(0.5) - x) / radius
    down = (rows[:, :, None] + np.float32(0.5) - y) / radius
    u = right * np.cos(angle) + down * np.sin(angle)  # (M, P, P), rotated back
    v = down * np.cos(angle) - right * np.sin(angle)
    scale = np.float32((_GRID - 1) / (2 * _EDGE))
    place = np.rint((v + _EDGE) * scale).clip(0, _GRID - 1) * _GRID
    place += np.rint((u + _EDGE) * scale).clip(0, _GRID - 1)
    place = place.astype(np.int32) + (shape * _GRID**2).astype(np.int32)[:, None, None]
    alpha = (np.float32(0.5) - _distances()[place] * radius).clip(0, 1)
    return alpha, pattern(texture, u, v, radius)


def pattern(texture: np.ndarray, u: np.ndarray, v: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Stripes along v, half a period wide, or a dot in each period; edges one pixel soft."""
    pattern = np.zeros_like(u)
    for kind in set(texture.tolist()) - {0}:
        mine = texture == kind
        across = np.abs(u[mine] / _PERIOD - np.rint(u[mine] / _PERIOD))
        along = np.abs(v[mine] / _PERIOD - np.rint(v[mine] / _PERIOD))
        inside = 0.25 - across if kind == 1 else _DOT - np.hypot(across, along)
        pattern[mine] = (0.5 + inside * _PERIOD * radius[mine]).clip(0, 1)
    return pattern
