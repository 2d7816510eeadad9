"""Discriminators: images and text -> logits."""

from textgan.discriminator.base import Discriminator
from textgan.discriminator.projected import ProjectedDiscriminator
from textgan.discriminator.projection import ProjectionDiscriminator

__all__ = ["Discriminator", "ProjectedDiscriminator", "ProjectionDiscriminator"]
