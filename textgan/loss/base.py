"""Base classes of adversarial and contrastive loss terms, and their shared functions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.schedule import Schedule, check_schedule
from textgan.step import AdversarialStep, ContrastiveStep
from textgan.types import Batch


class Loss(nn.Module):
    """Base of every term: a `generator_loss`, a `discriminator_loss` or both, unweighted scalars.

    The model calls only the methods that a subclass overrides, and multiplies their values by the
    weights.

    Attributes:
        needs: parts of the model that the term requires, such as ("posterior",). An autoencoder
            stands for the posterior.
        adversarial: whether its discriminator's loss compares real images with fakes; a
            discriminator needs one such term.
        samples_per_caption: number of samples from the prior that the generator's loss needs even
            before the discriminator starts: 0, 1 (`fake`) or 2 (`second_fake` too).

    Args:
        generator_weight: schedule of the weight in the generator's loss.
        discriminator_weight: schedule of the weight in the discriminator's loss.
    """

    needs: tuple[str, ...] = ()
    adversarial: bool = False
    samples_per_caption: int = 0

    def __init__(self, *, generator_weight: Schedule = 1.0, discriminator_weight: Schedule = 1.0):
        super().__init__()
        self.generator_weight = check_schedule("generator_weight", generator_weight)
        self.discriminator_weight = check_schedule("discriminator_weight", discriminator_weight)

    def prepare(self, images: Callable[[int], Iterator[Batch]], *, shown: bool = True) -> None:
        """Called once before the first step of every run, with the weights on their device.

        Args:
            images: number -> batches of at most so many training images, spread evenly over the
                data, the same in every process.
            shown: whether progress bars are shown.
        """

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        """The generator's loss; None if the term is not computed in this step."""

    def discriminator_loss(self, step: AdversarialStep) -> Tensor | None:
        """The discriminator's loss; None if the term is not computed in this step."""


class ContrastiveLoss(nn.Module, ABC):
    """Base of every term of contrastive pretraining: an unweighted scalar over a global batch.

    `alignment_guidance` applies the same terms to generated images.

    Attributes:
        aligns: features that the term aligns: "pooled", "words" (with regions) or both.

    Args:
        weight: schedule of its weight.
    """

    aligns: tuple[str, ...] = ("pooled",)

    def __init__(self, *, weight: Schedule = 1.0):
        super().__init__()
        self.weight = check_schedule("weight", weight)

    @abstractmethod
    def forward(self, step: ContrastiveStep) -> Tensor:
        """The loss; equal on all processes."""


def symmetric_cross_entropy(similarity: Tensor, wrong: Tensor) -> Tensor:
    """Mean of two cross-entropies: of each image over the texts, of each text over the images.

    Args:
        similarity: (N, M), M at least N: the first N texts are the captions of the N images; the
            remaining M - N are hard negatives.
        wrong: (N, M) bool: the negatives of each image. A text that is neither its caption nor
            wrong, such as an equal caption, is left out.
    """
    own = torch.arange(len(similarity), device=similarity.device)
    is_own = own[:, None] == torch.arange(similarity.shape[1], device=similarity.device)
    similarity = similarity.masked_fill(~wrong & ~is_own, -torch.inf)
    over_texts, over_images = similarity, similarity[:, : len(similarity)].T
    return (F.cross_entropy(over_texts, own) + F.cross_entropy(over_images, own)) / 2


def cosines(images: Tensor, texts: Tensor) -> Tensor:
    """Cosines of N images with M texts: (N, D), (M, D) -> (N, M), in float32 or more.

    In half precision a cosine has an error of 0.004: 0.4 at a temperature of 0.01.
    """
    with torch.autocast(images.device.type, enabled=False):
        images, texts = (F.normalize(at_least_float32(t), dim=1) for t in (images, texts))
        return images @ texts.T


def at_least_float32(tensor: Tensor) -> Tensor:
    """Convert half precisions to float32; leave float32 and float64."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
