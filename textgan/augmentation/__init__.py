"""Augmentations of the images that the discriminator gets."""

from textgan.augmentation.base import Augmentation
from textgan.augmentation.diffaugment import DiffAugment

__all__ = ["Augmentation", "DiffAugment"]
