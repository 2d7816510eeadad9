"""Pairs of scenes that differ in one attribute of one object."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from textgan.scene import RELATIONS, Scene, caption
from textgan.scene.layout import mean_radius, place
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys, uniforms

_STREAM = 7  # no split of the data uses these keys
_DRAWS = 200  # counters that neither scenes nor negatives use
_MARGIN = 1.6  # of the mask around an object, in radii


@dataclass(frozen=True)
class Pair:
    """An image, its scene, and the scene that an edit is asked for.

    Attributes:
        before: scene of the image.
        after: the same, with another value of one attribute of one object.
        field: the attribute: "colour", "shape", "size" or "texture".
        image: (3, H, H) in [-1, 1].
        mask: (H, H) bool, a square around the object.
    """

    before: Scene
    after: Scene
    field: str
    image: Tensor
    mask: Tensor

    @property
    def captions(self) -> tuple[str, str]:
        """The captions before and after the edit."""
        return caption(self.before), caption(self.after)


def make_pairs(
    count: int, *, image_size: int, hard: bool, max_objects: int, seed: int, spread: float = 1.0
) -> list[Pair]:
    """Render pairs of scenes, without held-out combinations of colour and shape.

    Args:
        count: number of pairs.
        image_size: side of the images.
        hard: as `Shapes.hard`: rotated and textured objects.
        max_objects: greatest number of objects.
        seed: keys all random choices.
        spread: as `Shapes.spread`: the share of the room for an object that is used.
    """
    # Those of `Shapes`.
    plain = {"textures": ["plain"], "relations": [r for r in RELATIONS if r != "in front of"]}
    sampler = SceneSampler(**({} if hard else plain), max_objects=max_objects)
    key = keys(seed, _STREAM, range(count))
    scenes = sampler.sample(key)
    layout = place(scenes, key, rotate=hard, spread=spread)
    images = render(scenes, layout, image_size)
    draws = uniforms(key, _DRAWS, 3)
    pairs = []
    for scene, image, spots, draw in zip(scenes, images, layout, draws, strict=True):
        which = int(draw[0] * len(scene.objects))
        field, after = _edit(sampler, scene, which, draw[1], draw[2])
        x, y, radius, _ = spots[which]
        larger = max(radius, mean_radius(after.objects[which].size, len(scene.objects)))
        mask = _square(float(x), float(y), _MARGIN * float(larger), image_size)
        pairs.append(Pair(scene, after, field, image, mask))
    return pairs


def _edit(
    sampler: SceneSampler, scene: Scene, which: int, one: float, two: float
) -> tuple[str, Scene]:
    """Change an attribute of an object, to a combination that training shows."""
    names = {"colour": sampler.colours, "shape": sampler.shapes, "size": sampler.sizes}
    if len(sampler.textures) > 1:
        names["texture"] = sampler.textures
    fields = list(names)
    field = fields[int(one * len(fields))]
    thing, others = scene.objects[which], [o for i, o in enumerate(scene.objects) if i != which]
    options = [
        changed
        for name in names[field]
        if name != getattr(thing, field)
        and (changed := replace(thing, **{field: name})).pair not in sampler.held_out
        and changed.pair not in [other.pair for other in others]
    ]
    changed = options[int(two * len(options))]
    objects = tuple(changed if i == which else o for i, o in enumerate(scene.objects))
    return field, replace(scene, objects=objects)


def _square(x: float, y: float, half: float, size: int) -> Tensor:
    """The pixels within `half` of a point, as shares of the side -> (size, size) bool."""
    middles = (torch.arange(size) + 0.5) / size
    return ((middles - y).abs() <= half)[:, None] & ((middles - x).abs() <= half)
