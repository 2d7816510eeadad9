"""Images to features."""

from textgan.image_encoder.clip import CLIP
from textgan.image_encoder.extractor import FeatureExtractor
from textgan.image_encoder.inception import Inception
from textgan.image_encoder.judge import Judge
from textgan.image_encoder.pixels import Pixels

__all__ = ["CLIP", "FeatureExtractor", "Inception", "Judge", "Pixels"]
