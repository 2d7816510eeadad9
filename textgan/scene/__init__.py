"""Procedural scenes: grammar, sampling, layout, rendering, and recognition by rule."""

from textgan.scene.grammar import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
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
    parse,
)

__all__ = [
    "BACKGROUNDS",
    "COLOURS",
    "HELD_OUT",
    "MAX_OBJECTS",
    "OPPOSITES",
    "RELATIONS",
    "SHAPES",
    "SIZES",
    "TEXTURES",
    "Scene",
    "SceneObject",
    "caption",
    "check_names",
    "check_pairs",
    "parse",
]
