"""Training procedures as LightningModules."""

from textgan.model.gan import GANModel
from textgan.model.pipeline import PipelineModel

__all__ = ["GANModel", "PipelineModel"]
