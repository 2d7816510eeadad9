"""Generators: noise and text -> images."""

from textgan.generator.attention import AttentionGenerator
from textgan.generator.base import Generator

__all__ = ["AttentionGenerator", "Generator"]
