"""Bundled models: folders by `save_pretrained`, which are part of the package."""

from pathlib import Path

SHAPES = Path(__file__).with_name("shapes")
"""Draws one or two simple shapes, as README.md beside it says."""

EMOJI = Path(__file__).with_name("emoji")
"""Draws emoji by their names, as README.md beside it says."""

BUNDLED = {folder.name: folder for folder in (SHAPES, EMOJI)}
"""Name -> folder of each bundled model."""
