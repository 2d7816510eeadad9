"""Evaluation of models."""

from textgan.evaluation.cache import FeatureCache, default_folder
from textgan.evaluation.report import Report, collect
from textgan.evaluation.runner import Evaluator, Sampler, by_captions

__all__ = [
    "Evaluator",
    "FeatureCache",
    "Report",
    "Sampler",
    "by_captions",
    "collect",
    "default_folder",
]
