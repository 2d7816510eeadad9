"""Inference, without Lightning."""

from textgan.pipeline.base import PipelineOutput, TextToImagePipeline
from textgan.pipeline.card import Card
from textgan.pipeline.contrastive import ContrastivePipeline, Match
from textgan.pipeline.gan import GANPipeline, WordAttention
from textgan.pipeline.rerank import rerank

__all__ = [
    "Card",
    "ContrastivePipeline",
    "GANPipeline",
    "Match",
    "PipelineOutput",
    "TextToImagePipeline",
    "WordAttention",
    "rerank",
]
