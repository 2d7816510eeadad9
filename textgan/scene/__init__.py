"""Procedural scenes: grammar, sampling, layout, rendering, and recognition by rule."""

from textgan.scene.grammar import (
    HELD_OUT,
    RELATIONS,
    Scene,
    SceneObject,
    caption,
    check_pairs,
    parse,
)

__all__ = ["HELD_OUT", "RELATIONS", "Scene", "SceneObject", "caption", "check_pairs", "parse"]
