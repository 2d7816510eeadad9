"""Inference, without Lightning."""

from textgan.pipeline.autoencoder import AutoencoderPipeline
from textgan.pipeline.base import Pipeline, PipelineOutput, TextToImagePipeline
from textgan.pipeline.card import Card
from textgan.pipeline.cascade import CascadePipeline
from textgan.pipeline.contrastive import ContrastivePipeline, Match
from textgan.pipeline.dalle import DallePipeline
from textgan.pipeline.diffusion import DiffusionPipeline
from textgan.pipeline.gan import GANPipeline, WordAttention
from textgan.pipeline.option import Option
from textgan.pipeline.prior import DiffusionPriorPipeline
from textgan.pipeline.rerank import rerank
from textgan.pipeline.unclip import UnclipPipeline
from textgan.pipeline.upsampler import UpsamplerPipeline

__all__ = [
    "AutoencoderPipeline",
    "Card",
    "CascadePipeline",
    "ContrastivePipeline",
    "DallePipeline",
    "DiffusionPipeline",
    "DiffusionPriorPipeline",
    "GANPipeline",
    "Match",
    "Option",
    "Pipeline",
    "PipelineOutput",
    "TextToImagePipeline",
    "UnclipPipeline",
    "UpsamplerPipeline",
    "WordAttention",
    "rerank",
]
