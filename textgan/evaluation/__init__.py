"""One runner that draws once for all metrics."""

from textgan.evaluation.runner import Evaluator

__all__ = ["Evaluator"]
