"""Evaluation of models."""

from textgan.evaluation.report import Report, collect
from textgan.evaluation.runner import Evaluator, Sampler, by_captions
from textgan.file.feature_cache import FeatureCache, default_folder

__all__ = [
    "Evaluator",
    "FeatureCache",
    "Report",
    "Sampler",
    "by_captions",
    "collect",
    "default_folder",
]
