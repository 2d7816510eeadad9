"""Sample scenes: keyed randomness, seen and held-out combinations, and near misses.

Every choice is a hash of (seed, stream, position, counter), so a scene does not depend on the
batch, the number of workers or of processes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, product

import numpy as np

from textgan.scene.grammar import (
    BACKGROUNDS,
    COLOURS,
    MAX_OBJECTS,
    OPPOSITES,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Scene,
    SceneObject,
    caption,
    check_names,
    check_pairs,
)

# Counters of a key: SceneSampler.sample reads 0..199, .negatives 200..299, layout 1000 on.
_PAIRS, _OBJECTS, _NEGATIVES = 10, 100, 200
_FIELDS = ("size", "colour", "shape", "texture")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014), elementwise on uint64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keys(seed: int, stream: int, positions: Sequence[int]) -> np.ndarray:
    """(B,) uint64, one key for each position of a stream (such as a split)."""
    start = _mix(np.array([((seed << 8) + stream) % 2**64], dtype=np.uint64) + _GOLDEN)
    return _mix(start + np.asarray(positions, dtype=np.int64).astype(np.uint64) * _GOLDEN)


def uniforms(key: np.ndarray, first: int, count: int) -> np.ndarray:
    """(B, count) float64 in [0, 1), the values of B keys at the counters first, first + 1, ..."""
    counters = np.arange(first + 1, first + count + 1, dtype=np.uint64) * _GOLDEN
    return (_mix(key[:, None] + counters) >> np.uint64(11)) * 2.0**-53


def relation_chains(relations: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """The chains of `length` relations that fit an image: walks in 2 x 2 cells without repetition.

    So 'left of ..., which is left of' never occurs: three large objects would not fit in a row. 'in
    front of' stays in its cell, and occurs at most once.
    """
    return [chain for chain in product(relations, repeat=length) if _fits(chain)]


def _fits(chain: tuple[str, ...]) -> bool:
    cells, fronts = [(0, 0)], 0
    for relation in chain:
        step = RELATIONS[relation]
        if step == (0, 0):
            fronts += 1
            continue
        cells.append((cells[-1][0] + step[0], cells[-1][1] + step[1]))
    spread = max(max(axis) - min(axis) for axis in zip(*cells, strict=True))
    return spread <= 1 and len(set(cells)) == len(cells) and fronts <= 1


class SceneSampler:
    """Samples scenes from chosen names, without or with a held-out (colour, shape) pair.

    The objects of a scene differ in colour or shape; one in front of another differs in colour.

    Args:
        colours, shapes, sizes, textures, relations, backgrounds: the names in use; None means all
            of `textgan.scene`.
        held_out: the pairs kept apart; None means `textgan.scene.HELD_OUT`, an empty list none.
        min_objects, max_objects: number of objects, each number equally often.

    Raises:
        ValueError: an unknown name, or a choice that leaves no possible scene.
    """

    def __init__(
        self,
        *,
        colours: Sequence[str] | None = None,
        shapes: Sequence[str] | None = None,
        sizes: Sequence[str] | None = None,
        textures: Sequence[str] | None = None,
        relations: Sequence[str] | None = None,
        backgrounds: Sequence[str] | None = None,
        held_out: Sequence[Sequence[str]] | None = None,
        min_objects: int = 1,
        max_objects: int = 2,
    ):
        if not 1 <= min_objects <= max_objects <= MAX_OBJECTS:
            raise ValueError(
                "min_objects and max_objects must satisfy 1 <= min_objects <= max_objects <= "
                f"{MAX_OBJECTS}, got {min_objects} and {max_objects}"
            )
        self.min_objects, self.max_objects = min_objects, max_objects
        self.colours = check_names("colours", colours, COLOURS)
        self.shapes = check_names("shapes", shapes, SHAPES)
        self.sizes = check_names("sizes", sizes, SIZES)
        self.textures = check_names("textures", textures, TEXTURES)
        self.relations = check_names("relations", relations, RELATIONS)
        self.backgrounds = check_names("backgrounds", backgrounds, BACKGROUNDS)
        self.held_out = check_pairs(held_out, self.colours, self.shapes)
        self.seen = [p for p in product(self.colours, self.shapes) if p not in self.held_out]
        self._check_seen()
        self._chains, self._apart = {}, {}
        for n in range(min_objects, max_objects + 1):
            self._chains[n] = relation_chains(self.relations, n - 1)
            self._apart[n] = [chain for chain in self._chains[n] if "in front of" not in chain]
            if not self._apart[n]:
                raise ValueError(
                    f"relations must leave a way to place {n} objects side by side, got "
                    f"{list(self.relations)}"
                )

    def _check_seen(self) -> None:
        colours, shapes = ({pair[i] for pair in self.seen} for i in (0, 1))
        if len(colours) < len(self.colours) or len(shapes) < len(self.shapes):
            raise ValueError(
                "held_out must leave each colour and each shape a pair to be seen in, got "
                f"{[list(pair) for pair in self.held_out]}"
            )
        if len(self.seen) < self.max_objects:
            raise ValueError(
                "max_objects must be at most the number of seen (colour, shape) pairs, got "
                f"{self.max_objects} and {len(self.seen)}"
            )

    def sample(self, key: np.ndarray, held_out: np.ndarray | None = None) -> list[Scene]:
        """One scene for each key (B,) uint64.

        Args:
            key: from `keys`.
            held_out: (B,) bool, which scenes contain one held-out pair; None means none of them.
        """
        count, background, chain, slot, other = uniforms(key, 0, 5).T
        count = self.min_objects + (count * (self.max_objects - self.min_objects + 1)).astype(int)
        order = uniforms(key, _PAIRS, len(self.seen)).argsort(1)[:, : self.max_objects]
        looks = uniforms(key, _OBJECTS, 2 * MAX_OBJECTS)
        sizes = (looks[:, :MAX_OBJECTS] * len(self.sizes)).astype(int)
        textures = (looks[:, MAX_OBJECTS:] * len(self.textures)).astype(int)
        slot, other = (slot * count).astype(int), (other * len(self.held_out)).astype(int)
        scenes = []
        for i, n in enumerate(count):
            pairs = [self.seen[p] for p in order[i, :n]]
            if held_out is not None and held_out[i]:
                pairs[slot[i]] = self.held_out[other[i]]
            objects = tuple(
                SceneObject(self.sizes[s], *pair, self.textures[t])
                for s, t, pair in zip(sizes[i], textures[i], pairs, strict=False)
            )
            backdrop = self.backgrounds[int(background[i] * len(self.backgrounds))]
            scenes.append(Scene(objects, self._chain(pairs, chain[i]), backdrop))
        return scenes

    def _chain(self, pairs: list[tuple[str, str]], draw: float) -> tuple[str, ...]:
        chains = self._chains[len(pairs)]
        chain = chains[int(draw * len(chains))]
        for relation, one, two in zip(chain, pairs, pairs[1:], strict=False):
            # Two overlapping objects of one colour could not be distinguished.
            if relation == "in front of" and one[0] == two[0]:
                chains = self._apart[len(pairs)]
                return chains[int(draw * len(chains))]
        return chain

    def negatives(self, scenes: Sequence[Scene], key: np.ndarray, which: int = 0) -> list[Scene]:
        """A near miss of each scene: an attribute changed or swapped, or a relation reversed.

        It is wrong for every image of the scene, and has no held-out pair that the scene lacks. All
        kinds of edit that a scene allows are equally likely.

        Args:
            scenes: B scenes.
            key: their keys, from `keys`.
            which: 0 to 9, for other random choices with the same keys.
        """
        draws = uniforms(key, _NEGATIVES + 10 * which, 10)
        return [self._negative(scene, draw) for scene, draw in zip(scenes, draws, strict=True)]

    def near_misses(self, scene: Scene) -> list[Scene]:
        """Every scene that one edit makes of this one, also those with held-out pairs."""
        return [edit for edits in self._edits(scene) for edit in edits()]

    def _negative(self, scene: Scene, draw: np.ndarray) -> Scene:
        edits = self._edits(scene)
        for kind in draw[: len(edits)].argsort():
            options = [edit for edit in edits[kind]() if self._allowed(edit, scene)]
            if options:
                return options[int(draw[-1] * len(options))]
        raise ValueError(f"negatives must have a second name in some list, got {caption(scene)!r}")

    def _edits(self, scene: Scene) -> tuple[Callable[[], list[Scene]], ...]:
        """For each kind of edit, a function that returns all its results for a scene."""
        other_grounds = [b for b in self.backgrounds if b != scene.background]
        names = zip(_FIELDS, (self.sizes, self.colours, self.shapes, self.textures), strict=True)
        return (
            *(partial(_changed, scene, field, known) for field, known in names),
            lambda: [replace(scene, background=b) for b in other_grounds],
            *(partial(_swapped, scene, field) for field in _FIELDS[:3]),
            partial(_turned, scene),
        )

    def _allowed(self, edit: Scene, scene: Scene) -> bool:
        return not edit.has_pair([pair for pair in self.held_out if not scene.has_pair([pair])])


def _changed(scene: Scene, field: str, names: Sequence[str]) -> list[Scene]:
    return [
        _with(scene, {place: replace(thing, **{field: name})})
        for place, thing in enumerate(scene.objects)
        for name in names
        if name != getattr(thing, field)
    ]


def _swapped(scene: Scene, field: str) -> list[Scene]:
    edits = []
    for place, (one, two) in enumerate(pairwise(scene.objects)):
        first, second = getattr(one, field), getattr(two, field)
        if first != second:
            changes = {
                place: replace(one, **{field: second}),
                place + 1: replace(two, **{field: first}),
            }
            edits.append(_with(scene, changes))
    return edits


def _turned(scene: Scene) -> list[Scene]:
    return [
        replace(
            scene,
            relations=(*scene.relations[:i], OPPOSITES[relation], *scene.relations[i + 1 :]),
        )
        for i, relation in enumerate(scene.relations)
        if relation in OPPOSITES
    ]


def _with(scene: Scene, changes: dict[int, SceneObject]) -> Scene:
    return replace(
        scene, objects=tuple(changes.get(i, thing) for i, thing in enumerate(scene.objects))
    )
