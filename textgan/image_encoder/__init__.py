"""Images to features."""

from textgan.image_encoder.base import ImageEncoder
from textgan.image_encoder.clip import CLIP
from textgan.image_encoder.contrastive import ContrastiveJudge
from textgan.image_encoder.extractor import FeatureExtractor
from textgan.image_encoder.inception import Inception
from textgan.image_encoder.judge import Judge
from textgan.image_encoder.pixels import Pixels
from textgan.image_encoder.resnet import ResNetImageEncoder
from textgan.image_encoder.vit import ViTImageEncoder

__all__ = [
    "CLIP",
    "ContrastiveJudge",
    "FeatureExtractor",
    "ImageEncoder",
    "Inception",
    "Judge",
    "Pixels",
    "ResNetImageEncoder",
    "ViTImageEncoder",
]
