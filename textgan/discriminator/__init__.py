"""Discriminators: images and text -> logits."""

from textgan.discriminator.base import Discriminator
from textgan.discriminator.patch import PatchDiscriminator
from textgan.discriminator.projected import ProjectedDiscriminator
from textgan.discriminator.projection import ProjectionDiscriminator

__all__ = [
    "Discriminator",
    "PatchDiscriminator",
    "ProjectedDiscriminator",
    "ProjectionDiscriminator",
]
