"""Generators: noise and text -> images or latents."""

from textgan.generator.attention import AttentionGenerator
from textgan.generator.base import Generator

__all__ = ["AttentionGenerator", "Generator"]
