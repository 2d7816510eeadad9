"""Encoders of text and image that score how well they match."""

from textgan.judge.base import Judge
from textgan.judge.clip import CLIP
from textgan.judge.contrastive import ContrastiveJudge

__all__ = ["CLIP", "ContrastiveJudge", "Judge"]
