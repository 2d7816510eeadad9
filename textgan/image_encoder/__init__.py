"""Image encoders."""

from textgan.image_encoder.base import ImageEncoder
from textgan.image_encoder.efficientnet import EfficientNetImageEncoder
from textgan.image_encoder.pretrained import PretrainedImageEncoder
from textgan.image_encoder.resnet import ResNetImageEncoder
from textgan.image_encoder.tower import TowerImageEncoder
from textgan.image_encoder.vit import ViTImageEncoder

__all__ = [
    "EfficientNetImageEncoder",
    "ImageEncoder",
    "PretrainedImageEncoder",
    "ResNetImageEncoder",
    "TowerImageEncoder",
    "ViTImageEncoder",
]
