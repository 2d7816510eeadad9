"""What the critic's pictures go through: one draw for the pair (real, fake)."""

from textgan.augmentation.base import Augmentation
from textgan.augmentation.diffaugment import DiffAugment

__all__ = ["Augmentation", "DiffAugment"]
