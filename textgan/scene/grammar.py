"""The language of the procedural scenes: palette, grammar and captions.

    a large red circle above a small blue square on a white background
    a small striped green star in front of a large pink ring, which is left of a small cyan cross
    on a black background

A scene is exactly the content of its caption. Positions, rotations and exact sizes are left open:
`layout` chooses them, and `render` makes the image.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 25, 35),
    "orange": (250, 130, 0),
    "yellow": (250, 225, 30),
    "green": (25, 150, 55),
    "cyan": (40, 210, 225),
    "blue": (30, 65, 220),
    "purple": (125, 35, 165),
    "pink": (250, 125, 200),
}
"""Name -> RGB of the objects; the closest two, backgrounds included, have a distance of 95."""

BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "navy": (20, 25, 90),
}

SHAPES: tuple[str, ...] = ("circle", "square", "triangle", "star", "cross", "ring")

SIZES: dict[str, float] = {"small": 0.15, "large": 0.2}
"""Name -> mean radius, as a share of the image's side."""

TEXTURES: tuple[str, ...] = ("plain", "striped", "dotted")
"""The textures of an object; a caption does not mention "plain"."""

RELATIONS: dict[str, tuple[int, int]] = {
    "left of": (1, 0),
    "right of": (-1, 0),
    "above": (0, 1),
    "below": (0, -1),
    "in front of": (0, 0),
}
"""Relation of an object to the next one -> direction (x, y) from it to the next; y points down."""

OPPOSITES: dict[str, str] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}

HELD_OUT: tuple[tuple[str, str], ...] = (
    ("red", "star"),
    ("orange", "ring"),
    ("yellow", "square"),
    ("green", "circle"),
    ("blue", "triangle"),
    ("purple", "cross"),
)
"""The (colour, shape) pairs that by default do not occur in training."""

MAX_OBJECTS = 4


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object, by the names in SIZES, COLOURS, SHAPES and TEXTURES."""

    size: str
    colour: str
    shape: str
    texture: str = "plain"

    @property
    def pair(self) -> tuple[str, str]:
        """(colour, shape), the pair that can be held out."""
        return self.colour, self.shape


@dataclass(frozen=True, slots=True)
class Scene:
    """One to four objects on a background; relations[i] links objects[i] and objects[i + 1]."""

    objects: tuple[SceneObject, ...]
    relations: tuple[str, ...]
    background: str

    def has_pair(self, pairs: Collection[tuple[str, str]]) -> bool:
        """Whether one of the objects is one of these (colour, shape) pairs."""
        return any(thing.pair in pairs for thing in self.objects)


def caption(scene: Scene) -> str:
    """The caption of a scene, one sentence."""
    words = _phrase(scene.objects[0])
    for place, (relation, thing) in enumerate(zip(scene.relations, scene.objects[1:], strict=True)):
        words += f"{', which is' if place else ''} {relation} {_phrase(thing)}"
    return f"{words} on a {scene.background} background"


def _phrase(thing: SceneObject) -> str:
    texture = "" if thing.texture == "plain" else f"{thing.texture} "
    return f"a {thing.size} {texture}{thing.colour} {thing.shape}"


def _one_of(names: Collection[str]) -> str:
    return f"({'|'.join(names)})"


_PHRASE = rf"a {_one_of(SIZES)} (?:{_one_of(TEXTURES[1:])} )?{_one_of(COLOURS)} {_one_of(SHAPES)}"
_LINK = rf"(?:, which is)? {_one_of(RELATIONS)} "
_CAPTION = re.compile(
    f"{_PHRASE}(?:{_LINK}{_PHRASE}){{0,{MAX_OBJECTS - 1}}} on a {_one_of(BACKGROUNDS)} background"
)


def parse(text: str) -> Scene:
    """The scene of a caption, the inverse of `caption`; a ValueError outside the grammar."""
    whole = _CAPTION.fullmatch(text)
    if whole:
        objects = tuple(
            SceneObject(size, colour, shape, texture or "plain")
            for size, texture, colour, shape in re.findall(_PHRASE, text)
        )
        relations = tuple(re.findall(rf"{_LINK}(?=a )", text))
        scene = Scene(objects, relations, whole.groups()[-1])
        if caption(scene) == text:
            return scene
    raise ValueError(
        "caption must read 'a SIZE [TEXTURE] COLOUR SHAPE [RELATION a ...[, which is RELATION a "
        f"...]] on a BACKGROUND background' in the words of textgan.scene, got {text!r}"
    )


def check_names(
    argument: str, given: Sequence[str] | None, known: Collection[str]
) -> tuple[str, ...]:
    """The given names, or all known ones for None; a ValueError if one is unknown or double."""
    if given is None:
        return tuple(known)
    names = tuple(given)
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        raise ValueError(
            f"{argument} must be null or different names out of {', '.join(known)}, "
            f"got {list(names)}"
        )
    return names


def check_pairs(
    held_out: Sequence[Sequence[str]] | None,
    colours: Collection[str] = tuple(COLOURS),
    shapes: Collection[str] = SHAPES,
) -> tuple[tuple[str, str], ...]:
    """The held-out (colour, shape) pairs; None means those of HELD_OUT that are in use."""
    if held_out is None:
        return tuple(pair for pair in HELD_OUT if pair[0] in colours and pair[1] in shapes)
    pairs = tuple(tuple(pair) for pair in held_out)
    for pair in pairs:
        if len(pair) != 2 or pair[0] not in colours or pair[1] not in shapes:
            raise ValueError(
                f"held_out must be null or [colour, shape] pairs out of {', '.join(colours)} and "
                f"{', '.join(shapes)}, got {list(pair)}"
            )
    return pairs
