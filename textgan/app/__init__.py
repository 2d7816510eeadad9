"""A web page that draws while one types: what it does, as plain functions, and the page itself."""

from textgan.app.animation import Animation, animate
from textgan.app.attention import look, words
from textgan.app.drawing import Drawing, draw

__all__ = [
    "Animation",
    "Drawing",
    "animate",
    "draw",
    "look",
    "words",
]
