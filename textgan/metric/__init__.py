"""How good the draws are."""

from textgan.metric.base import Metric
from textgan.metric.fid import FID
from textgan.metric.shape_alignment import ShapeAlignment
from textgan.metric.shape_diversity import ShapeDiversity
from textgan.metric.sharpness import Sharpness

__all__ = ["FID", "Metric", "ShapeAlignment", "ShapeDiversity", "Sharpness"]
