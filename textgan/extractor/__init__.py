"""Networks whose features metrics compare."""

from textgan.extractor.base import FeatureExtractor
from textgan.extractor.encoded import Contrastive
from textgan.extractor.inception import Inception
from textgan.extractor.pixels import Pixels

__all__ = ["Contrastive", "FeatureExtractor", "Inception", "Pixels"]
