"""Agreement of samples of shapes with their captions, read by rules."""

from itertools import permutations

import torch
from scipy.optimize import linear_sum_assignment

from textgan.metric.base import Metric
from textgan.metric.interval import proportion
from textgan.scene import Scene, SceneObject, check_pairs, parse
from textgan.scene.reading import Found, Reading, read, relation
from textgan.types import Evaluation

_OF_OBJECTS = ("colour", "shape", "size", "texture")
_ATTRIBUTES = ("all", *_OF_OBJECTS, "count", "background", "relation")
_NUMBERS = ("one", "two", "three", "four")


class ShapeAlignment(Metric):
    """Share of captions whose first sample has each attribute right, and all of them.

    The objects found in the image are matched to the caption's objects so that most attributes and
    relations are right. An attribute of objects is right if it is right for every object of the
    caption, so never where too few are found; further objects only make the count wrong. `relation`
    is a share of the captions that state one, the others are shares of all captions. Names that end
    in `_seen` or `_held_out` refer to the captions without, or with, a held-out pair; `all_one`,
    `all_two` and so on to those with that many objects. A name that refers to no caption is left
    out.

    Accuracy on new rendered images of one or two objects, at 32 and at 64 pixels: 2,000 of 2,000
    right, and 1,000 of 1,000 with a Gaussian blur of 0.6 pixels of 32, or with noise of 0.1. In the
    hard setting, with up to four objects at 64 pixels, every attribute is right in 99 %, and in
    93 % with noise of 0.1; blur, or 32 pixels, cost more. Turned and half hidden shapes, their
    textures, and the order of two touching objects in depth are read; touching objects of one
    colour are not separated. An object that covers less than 1/128 of the image is overlooked. A
    shape is wrong where no shape explains 40 % of the object's pixels.

    Args:
        held_out: [colour, shape] pairs that training did not show, as the data module has them.
        hard: whether images are of the hard setting; then `texture` is reported too.
    """

    def __init__(self, *, held_out: list[list[str]] | None = None, hard: bool = False):
        super().__init__()
        self.held_out, self.hard = check_pairs(held_out), hard
        size = (2, len(_ATTRIBUTES))
        self.add_state("right", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("asked", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        by_number = torch.zeros(2, len(_NUMBERS), dtype=torch.float64)  # all right, asked
        self.add_state("by_number", by_number, dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Read the first samples (B, 3, H, H); a ValueError for a caption outside the grammar."""
        readings = read(evaluation.draws[:, 0].float().cpu(), hard=self.hard)
        for text, reading in zip(evaluation.captions, readings, strict=True):
            scene = parse(text)
            row = int(scene.has_pair(self.held_out))
            correct = score(scene, reading)
            self.by_number[0, len(scene.objects) - 1] += correct["all"]
            self.by_number[1, len(scene.objects) - 1] += 1
            for column, right in enumerate(correct.values()):
                if right is not None:
                    self.right[row, column] += right
                    self.asked[row, column] += 1

    def compute(self) -> dict[str, float]:
        """Name -> share in [0, 1] with its interval (Wilson); n, n_seen, n_held_out captions."""
        values = {}
        for column, name in enumerate(_ATTRIBUTES):
            if name == "texture" and not self.hard:
                continue
            right, asked = self.right[:, column].tolist(), self.asked[:, column].tolist()
            for ending, rows in (("", slice(2)), ("_seen", slice(1)), ("_held_out", slice(1, 2))):
                if sum(asked[rows]):
                    values[name + ending] = proportion(sum(right[rows]), int(sum(asked[rows])))
        for number, right, asked in zip(_NUMBERS, *self.by_number.tolist(), strict=True):
            if asked:
                values[f"all_{number}"] = proportion(right, int(asked))
        seen, held_out = self.asked[:, 0].tolist()
        return values | {"n": seen + held_out, "n_seen": seen, "n_held_out": held_out}


def score(scene: Scene, reading: Reading) -> dict[str, bool | None]:
    """Attribute -> whether the image has it as the scene does; None where the scene has none."""
    match = _match(scene, reading.objects)
    right: dict[str, bool | None] = {
        field: all(
            found is not None and getattr(found.thing, field) == getattr(thing, field)
            for thing, found in zip(scene.objects, match, strict=True)
        )
        for field in _OF_OBJECTS
    }
    right["count"] = len(scene.objects) == len(reading.objects)
    right["background"] = scene.background == reading.background
    right["relation"] = None
    if scene.relations:
        right["relation"] = _relations(scene, match) == len(scene.relations)
    return {"all": all(value is not False for value in right.values()), **right}


def _match(scene: Scene, found: tuple[Found, ...]) -> list[Found | None]:
    """The object found for each object of the scene; relations decide between equal objects."""
    if len(found) == len(scene.objects):
        return max(
            (list(order) for order in permutations(found)),
            key=lambda match: _agreement(scene, match),
        )
    match: list[Found | None] = [None] * len(scene.objects)
    if found:
        # A sample that looks like noise may show dozens: too many to try every order.
        scores = [[_alike(thing, other.thing) for other in found] for thing in scene.objects]
        for i, j in zip(*linear_sum_assignment(scores, maximize=True), strict=True):
            match[i] = found[j]
    return match


def _agreement(scene: Scene, match: list[Found]) -> int:
    alike = (_alike(a, b.thing) for a, b in zip(scene.objects, match, strict=True))
    return sum(alike) + _relations(scene, match)


def _alike(one: SceneObject, two: SceneObject) -> int:
    return sum(getattr(one, field) == getattr(two, field) for field in _OF_OBJECTS)


def _relations(scene: Scene, match: list[Found | None]) -> int:
    """Number of the scene's relations that hold."""
    return sum(
        one is not None and two is not None and relation(one, two) == said
        for said, one, two in zip(scene.relations, match, match[1:], strict=False)
    )
