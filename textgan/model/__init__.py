"""Training procedures as LightningModules."""

from textgan.model.gan import GANModel

__all__ = ["GANModel"]
