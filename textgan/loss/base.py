"""A term of the adversarial game, and a term of contrastive pretraining."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.schedule import Schedule, check_schedule
from textgan.step import AdversarialStep, ContrastiveStep


class Loss(nn.Module):
    """Base of every term: a `generator_loss`, a `discriminator_loss` or both, unweighted scalars.

    The model asks only for the methods that a subclass overrides, and multiplies what they return
    by the weights.

    Attributes:
        needs: parts of the model without which the term cannot be computed, such as ("posterior",).
        adversarial: whether its critic's loss compares real pictures with fakes; a critic needs one
            such term.
        draws: whether it looks at draws from the prior even before the critic starts.

    Args:
        generator_weight: schedule of the weight in the generator's loss.
        discriminator_weight: schedule of the weight in the critic's loss.
    """

    needs: tuple[str, ...] = ()
    adversarial: bool = False
    draws: bool = False

    def __init__(self, *, generator_weight: Schedule = 1.0, discriminator_weight: Schedule = 1.0):
        super().__init__()
        self.generator_weight = check_schedule("generator_weight", generator_weight)
        self.discriminator_weight = check_schedule("discriminator_weight", discriminator_weight)

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        """What the generator minimises; None in a step that this term sits out."""

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        """What the critic minimises; None in a step that this term sits out."""


class ContrastiveLoss(nn.Module, ABC):
    """Base of every term of contrastive pretraining: an unweighted scalar over a global batch.

    `alignment_guidance` asks the same terms of a generator's pictures.

    Attributes:
        aligns: which features it brings into one space: "pooled", "words" (with regions) or both.

    Args:
        weight: schedule of its weight.
    """

    aligns: tuple[str, ...] = ("pooled",)

    def __init__(self, *, weight: Schedule = 1.0):
        super().__init__()
        self.weight = check_schedule("weight", weight)

    @abstractmethod
    def forward(self, step: ContrastiveStep) -> Tensor:
        """What is minimised: equal on all processes."""


def symmetric_cross_entropy(similarity: Tensor, wrong: Tensor) -> Tensor:
    """The mean of two cross-entropies: which text is the picture's, and which picture the text's.

    Args:
        similarity: (N, M), M at least N: text i of the first N is picture i's own, the rest are
            nobody's.
        wrong: (N, M) bool: what may be held against a picture. What is neither its own nor wrong,
            as an equal caption, is left out.
    """
    own = torch.arange(len(similarity), device=similarity.device)
    is_own = own[:, None] == torch.arange(similarity.shape[1], device=similarity.device)
    similarity = similarity.masked_fill(~wrong & ~is_own, -torch.inf)
    texts, pictures = similarity, similarity[:, : len(similarity)].T
    return (F.cross_entropy(texts, own) + F.cross_entropy(pictures, own)) / 2


def cosines(images: Tensor, texts: Tensor) -> Tensor:
    """Of each of N pictures with each of M texts: (N, D), (M, D) -> (N, M), in float32 or more.

    A half precision's error of 0.004 in a cosine would be 0.4 at a temperature of 0.01.
    """
    with torch.autocast(images.device.type, enabled=False):
        images, texts = (F.normalize(at_least_float32(t), dim=1) for t in (images, texts))
        return images @ texts.T


def at_least_float32(tensor: Tensor) -> Tensor:
    """Half precisions become float32; float32 and float64 stay."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
