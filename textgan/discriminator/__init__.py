"""Discriminators: images and text -> logits."""

from textgan.discriminator.base import Discriminator
from textgan.discriminator.latent_and_image import LatentAndImageDiscriminator
from textgan.discriminator.patch import PatchDiscriminator
from textgan.discriminator.projected import ProjectedDiscriminator
from textgan.discriminator.projection import ProjectionDiscriminator
from textgan.discriminator.transformer import TransformerDiscriminator

__all__ = [
    "Discriminator",
    "LatentAndImageDiscriminator",
    "PatchDiscriminator",
    "ProjectedDiscriminator",
    "ProjectionDiscriminator",
    "TransformerDiscriminator",
]
