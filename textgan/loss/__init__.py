"""Loss terms of the generator and the discriminator, and contrastive terms."""

from textgan.loss.alignment_guidance import AlignmentGuidance
from textgan.loss.base import ContrastiveLoss, Loss
from textgan.loss.damsm import DAMSM
from textgan.loss.energy import Energy
from textgan.loss.feature_reconstruction import FeatureReconstruction
from textgan.loss.hinge import Hinge
from textgan.loss.info_nce import InfoNCE
from textgan.loss.joint_mmd import JointMMD
from textgan.loss.kl import KL
from textgan.loss.logit_laplace import LogitLaplaceLikelihood
from textgan.loss.match import Match
from textgan.loss.mismatch import Mismatch
from textgan.loss.nonsaturating import NonSaturating
from textgan.loss.perceptual import Perceptual
from textgan.loss.quantization import Quantization
from textgan.loss.r1r2 import R1R2
from textgan.loss.reconstruction import Reconstruction
from textgan.loss.rpgan import RpGAN
from textgan.loss.siglip import SigLIP
from textgan.loss.squared_gap import SquaredGap

__all__ = [
    "DAMSM",
    "KL",
    "R1R2",
    "AlignmentGuidance",
    "ContrastiveLoss",
    "Energy",
    "FeatureReconstruction",
    "Hinge",
    "InfoNCE",
    "JointMMD",
    "LogitLaplaceLikelihood",
    "Loss",
    "Match",
    "Mismatch",
    "NonSaturating",
    "Perceptual",
    "Quantization",
    "Reconstruction",
    "RpGAN",
    "SigLIP",
    "SquaredGap",
]
