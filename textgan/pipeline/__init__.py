"""Inference, without Lightning."""

from textgan.pipeline.base import PipelineOutput, TextToImagePipeline
from textgan.pipeline.contrastive import ContrastivePipeline, Match
from textgan.pipeline.gan import GANPipeline

__all__ = ["ContrastivePipeline", "GANPipeline", "Match", "PipelineOutput", "TextToImagePipeline"]
