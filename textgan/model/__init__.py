"""Training procedures as LightningModules."""

from textgan.model.autoencoder import AutoencoderModel
from textgan.model.contrastive import ContrastiveModel
from textgan.model.diffusion import DiffusionModel
from textgan.model.diffusion_prior import DiffusionPriorModel
from textgan.model.gan import GANModel
from textgan.model.pipeline import PipelineModel
from textgan.model.token_prior import TokenPriorModel
from textgan.model.unclip import UnclipModel
from textgan.model.upsampler import UpsamplerModel

__all__ = [
    "AutoencoderModel",
    "ContrastiveModel",
    "DiffusionModel",
    "DiffusionPriorModel",
    "GANModel",
    "PipelineModel",
    "TokenPriorModel",
    "UnclipModel",
    "UpsamplerModel",
]
