"""Data modules: captioned pictures, as batches."""

from textgan.data.base import CaptionedImages
from textgan.data.fashion_mnist import FashionMNIST
from textgan.data.folder import Folder
from textgan.data.shapes import Shapes

__all__ = ["CaptionedImages", "FashionMNIST", "Folder", "Shapes"]
