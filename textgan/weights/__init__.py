"""Bundled models: folders by `save_pretrained`, which are part of the package."""

from pathlib import Path

SHAPES = Path(__file__).with_name("shapes")
"""Draws one or two simple shapes, as README.md beside it says."""
