"""Text encoders: captions -> TextFeatures."""

from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.bert import BertTextEncoder
from textgan.text_encoder.cache import CaptionCache
from textgan.text_encoder.frozen import FrozenTextEncoder
from textgan.text_encoder.pretrained import PretrainedTextEncoder
from textgan.text_encoder.token import TokenTextEncoder

__all__ = [
    "BertTextEncoder",
    "CaptionCache",
    "FrozenTextEncoder",
    "PretrainedTextEncoder",
    "TextEncoder",
    "TokenTextEncoder",
]
