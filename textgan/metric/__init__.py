"""Metrics of samples."""

from textgan.metric.base import Metric
from textgan.metric.caption_sensitivity import CaptionSensitivity
from textgan.metric.fid import FID
from textgan.metric.inception_score import InceptionScore
from textgan.metric.kid import KID
from textgan.metric.manifold import Manifold
from textgan.metric.memorisation import Memorisation
from textgan.metric.prompt_diversity import PromptDiversity
from textgan.metric.psnr import PSNR
from textgan.metric.r_precision import RPrecision
from textgan.metric.shape_alignment import ShapeAlignment
from textgan.metric.shape_diversity import ShapeDiversity
from textgan.metric.sharpness import Sharpness
from textgan.metric.speed import Speed
from textgan.metric.ssim import SSIM
from textgan.metric.text_image_similarity import TextImageSimilarity

__all__ = [
    "FID",
    "KID",
    "PSNR",
    "SSIM",
    "CaptionSensitivity",
    "InceptionScore",
    "Manifold",
    "Memorisation",
    "Metric",
    "PromptDiversity",
    "RPrecision",
    "ShapeAlignment",
    "ShapeDiversity",
    "Sharpness",
    "Speed",
    "TextImageSimilarity",
]
