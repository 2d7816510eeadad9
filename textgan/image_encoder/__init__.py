"""Image encoders."""

from textgan.image_encoder.base import ImageEncoder
from textgan.image_encoder.resnet import ResNetImageEncoder
from textgan.image_encoder.vit import ViTImageEncoder

__all__ = ["ImageEncoder", "ResNetImageEncoder", "ViTImageEncoder"]
