"""Training procedures as LightningModules."""

from textgan.model.contrastive import ContrastiveModel
from textgan.model.gan import GANModel
from textgan.model.pipeline import PipelineModel

__all__ = ["ContrastiveModel", "GANModel", "PipelineModel"]
