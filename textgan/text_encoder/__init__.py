"""Captions -> TextFeatures."""

from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.bert import BertTextEncoder
from textgan.text_encoder.cache import CaptionCache
from textgan.text_encoder.frozen import FrozenTextEncoder

__all__ = ["BertTextEncoder", "CaptionCache", "FrozenTextEncoder", "TextEncoder"]
