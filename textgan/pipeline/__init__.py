"""Inference, without Lightning."""

from textgan.pipeline.base import PipelineOutput, TextToImagePipeline
from textgan.pipeline.gan import GANPipeline

__all__ = ["GANPipeline", "PipelineOutput", "TextToImagePipeline"]
