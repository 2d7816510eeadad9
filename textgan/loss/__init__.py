"""Terms of the adversarial game: each has a generator's loss, a critic's loss, or both."""

from textgan.loss.base import Loss
from textgan.loss.feature_reconstruction import FeatureReconstruction
from textgan.loss.hinge import Hinge
from textgan.loss.kl import KL
from textgan.loss.match import Match
from textgan.loss.mismatch import Mismatch
from textgan.loss.nonsaturating import NonSaturating
from textgan.loss.r1r2 import R1R2
from textgan.loss.reconstruction import Reconstruction
from textgan.loss.rpgan import RpGAN

__all__ = [
    "KL",
    "R1R2",
    "FeatureReconstruction",
    "Hinge",
    "Loss",
    "Match",
    "Mismatch",
    "NonSaturating",
    "Reconstruction",
    "RpGAN",
]
