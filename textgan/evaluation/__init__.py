"""One runner that draws once for all metrics."""

from textgan.evaluation.cache import FeatureCache, default_folder
from textgan.evaluation.report import Report, collect
from textgan.evaluation.runner import Evaluator

__all__ = ["Evaluator", "FeatureCache", "Report", "collect", "default_folder"]
