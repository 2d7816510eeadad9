"""Data modules: captioned images, as batches."""

from textgan.data.base import CaptionedImages
from textgan.data.fashion_mnist import FashionMNIST
from textgan.data.folder import Folder
from textgan.data.huggingface import HuggingFace
from textgan.data.shapes import Shapes
from textgan.data.webdataset import WebDataset

__all__ = ["CaptionedImages", "FashionMNIST", "Folder", "HuggingFace", "Shapes", "WebDataset"]
