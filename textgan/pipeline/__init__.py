"""Inference, without Lightning."""

from textgan.pipeline.autoencoder import AutoencoderPipeline
from textgan.pipeline.base import Pipeline, PipelineOutput, TextToImagePipeline
from textgan.pipeline.card import Card
from textgan.pipeline.contrastive import ContrastivePipeline, Match
from textgan.pipeline.dalle import DallePipeline
from textgan.pipeline.diffusion import DiffusionPipeline
from textgan.pipeline.gan import GANPipeline, WordAttention
from textgan.pipeline.option import Option
from textgan.pipeline.rerank import rerank

__all__ = [
    "AutoencoderPipeline",
    "Card",
    "ContrastivePipeline",
    "DallePipeline",
    "DiffusionPipeline",
    "GANPipeline",
    "Match",
    "Option",
    "Pipeline",
    "PipelineOutput",
    "TextToImagePipeline",
    "WordAttention",
    "rerank",
]
