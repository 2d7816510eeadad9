"""Training procedures as LightningModules."""

from textgan.model.autoencoder import AutoencoderModel
from textgan.model.contrastive import ContrastiveModel
from textgan.model.diffusion import DiffusionModel
from textgan.model.gan import GANModel
from textgan.model.pipeline import PipelineModel
from textgan.model.token_prior import TokenPriorModel

__all__ = [
    "AutoencoderModel",
    "ContrastiveModel",
    "DiffusionModel",
    "GANModel",
    "PipelineModel",
    "TokenPriorModel",
]
