"""Captions -> TextFeatures."""

from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.bert import BertTextEncoder

__all__ = ["BertTextEncoder", "TextEncoder"]
