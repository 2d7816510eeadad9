"""Generators: noise and text -> images or latents."""

from textgan.generator.attention import AttentionGenerator
from textgan.generator.base import Generator
from textgan.generator.transformer import TransformerGenerator

__all__ = ["AttentionGenerator", "Generator", "TransformerGenerator"]
