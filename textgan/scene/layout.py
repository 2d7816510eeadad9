"""Positions, sizes and rotations of the objects of a scene, which its caption leaves open.

Lengths are shares of the image's side, x to the right and y down. A layout is (B, N, 4): the x, y,
radius and angle (radians, clockwise) of up to N objects a scene, zero beyond a scene's objects.
"""

from collections.abc import Sequence

import numpy as np

from textgan.scene.grammar import MAX_OBJECTS, RELATIONS, SHAPES, SIZES, Scene, caption
from textgan.scene.outline import extents
from textgan.scene.sampling import uniforms

JITTER = 0.05
"""Radii vary by this share around the mean radius of their size."""

# Radii shrink with the number of objects: there must be room for four large rotated ones.
_CROWD = {1: 1.45, 2: 1.0, 3: 0.72, 4: 0.63}
_MARGIN, _GAP, _CROWD_GAP = 0.02, 0.08, 0.04
_SLANT = 0.75  # |dy| <= 0.75 |dx| in 'left of', so that every relation is unambiguous
_TRIES, _ROUNDS = 16, 256
_FIRST_COUNTER = 1000  # the counters below are textgan.scene.sampling's


def mean_radius(size: str, count: int) -> float:
    """The radius of an object of this size in a scene of `count` objects, before the jitter."""
    return SIZES[size] * _CROWD[count]


def place(
    scenes: Sequence[Scene], key: np.ndarray, *, rotate: bool = False, spread: float = 1.0
) -> np.ndarray:
    """A random layout (B, N, 4), true to the relations and without overlap except 'in front of'.

    Each layout is the first that fits among hashed proposals: a function of its scene and key
    alone.

    Args:
        scenes: B scenes.
        key: (B,) uint64 from `textgan.scene.sampling.keys`.
        rotate: whether the objects are rotated.
        spread: the share, 0 to 1, of the room that a caption leaves an object and that is used,
            around the middle of that room.

    Raises:
        ValueError: none of 4,096 proposals fits a scene.
    """
    shape, radius, relation, count = _numbers(scenes)
    layout = np.zeros((*shape.shape, 4))
    pending = np.arange(len(scenes))
    for turn in range(_ROUNDS):
        first = _FIRST_COUNTER + turn * _TRIES * MAX_OBJECTS * 4
        u = uniforms(key[pending], first, _TRIES * MAX_OBJECTS * 4)
        u = u.reshape(len(pending), _TRIES, MAX_OBJECTS, 4)  # (P, T, N, 4)
        u = u[:, :, : shape.shape[1]]
        radii = radius[pending, None] * (1 + JITTER * (2 * u[..., 0] - 1))
        angles = 2 * np.pi * u[..., 1] * rotate
        half = radii[..., None] * extents(shape[pending, None], angles)  # (P, T, N, 2)
        where = 0.5 + spread * (u[..., 2:] - 0.5)
        spots, fits = _propose(where, radii, half, count[pending], relation[pending])
        tried = np.concatenate([spots, radii[..., None], angles[..., None]], -1)
        found, best = fits.any(1), fits.argmax(1)
        layout[pending[found]] = tried[found, best[found]]
        pending = pending[~found]
        if not len(pending):
            return layout * (np.arange(shape.shape[1]) < count[:, None])[..., None]
    raise ValueError(
        f"caption must leave room for its objects, got {caption(scenes[pending[0]])!r}"
    )


def _numbers(scenes: Sequence[Scene]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shape, mean radius and relation to the next (each B, N), and the number of objects (B,)."""
    count = np.array([len(scene.objects) for scene in scenes])
    shape, relation = np.zeros((2, len(scenes), count.max()), dtype=int)
    radius = np.full(shape.shape, SIZES["small"])
    names = list(RELATIONS)
    for i, scene in enumerate(scenes):
        for k, thing in enumerate(scene.objects):
            shape[i, k] = SHAPES.index(thing.shape)
            radius[i, k] = mean_radius(thing.size, len(scene.objects))
        for k, name in enumerate(scene.relations):
            relation[i, k] = names.index(name)
    return shape, radius, relation, count


def _propose(
    u: np.ndarray, radii: np.ndarray, half: np.ndarray, count: np.ndarray, relation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (P, T, N, 2) from uniforms of that shape; which of the T proposals fit (P, T)."""
    gap = np.where(count > 2, _CROWD_GAP, _GAP)[:, None, None]
    low, high = _MARGIN + half, 1 - _MARGIN - half
    onward = np.array(list(RELATIONS.values()))[relation[:, None, :-1]]  # (P, 1, N - 1, 2)
    onward = onward * (np.arange(1, u.shape[2]) < count[:, None])[:, None, :, None]
    needs = half[:, :, :-1] + half[:, :, 1:] + gap[..., None]
    first, last = low.copy(), high.copy()  # these leave room for the next object
    first[:, :, :-1] = np.where(
        onward < 0, np.maximum(low[:, :, :-1], low[:, :, 1:] + needs), low[:, :, :-1]
    )
    last[:, :, :-1] = np.where(
        onward > 0, np.minimum(high[:, :, :-1], high[:, :, 1:] - needs), high[:, :, :-1]
    )
    spots = first + u * (last - first)
    fits = np.ones(u.shape[:2], dtype=bool)
    for k in range(1, u.shape[2]):
        step, before, need = onward[:, :, k - 1], spots[:, :, k - 1], needs[:, :, k - 1]
        least = np.where(step > 0, np.maximum(first[:, :, k], before + need), first[:, :, k])
        most = np.where(step < 0, np.minimum(last[:, :, k], before - need), last[:, :, k])
        along = least + u[:, :, k] * (most - least)
        slant = _SLANT * np.where(step != 0, np.abs(along - before), 0).sum(-1, keepdims=True)
        least = np.where(step == 0, np.maximum(least, before - slant), least)
        most = np.where(step == 0, np.minimum(most, before + slant), most)
        spot = least + u[:, :, k] * (most - least)
        good = (most >= least).all(-1)
        front = (step == 0).all(-1)  # (P, 1)
        if front.any():
            behind = before + _shift(u[:, :, k], radii[:, :, k - 1 : k + 1])
            spot = np.where(front[..., None], behind, spot)
            good = np.where(front, ((spot >= low[:, :, k]) & (spot <= high[:, :, k])).all(-1), good)
        for j in range(k - 1):
            apart = np.abs(spots[:, :, j] - spot) >= half[:, :, j] + half[:, :, k] + gap
            good &= apart.any(-1)
        fits &= good | (count <= k)[:, None]
        spots[:, :, k] = spot
    return spots, fits


def _shift(u: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Offset (P, T, 2) of an object from the one in front, which hides about half of it."""
    front, back = radii[..., 0], radii[..., 1]
    distance = np.maximum(front, 0.9 * back) + 0.15 * u[..., 0] * np.minimum(front, back)
    angle = 2 * np.pi * u[..., 1]
    return distance[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
