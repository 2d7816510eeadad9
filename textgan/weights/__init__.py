"""Models in the box: folders by `save_pretrained`, which come with the package."""

from pathlib import Path

SHAPES = Path(__file__).with_name("shapes")
"""Draws one or two simple shapes, as README.md beside it says."""
