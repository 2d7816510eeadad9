"""Images to features."""

from textgan.image_encoder.inception import Inception

__all__ = ["Inception"]
