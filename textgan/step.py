"""The inputs of loss terms in one training step."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from textgan.seed import stable_hash
from textgan.types import (
    DiscriminatorOutput,
    Gaussian,
    ImageFeatures,
    LogitLaplace,
    Quantized,
    TextFeatures,
)


@dataclass(kw_only=True)
class CaptionedStep:
    """Captions of a batch that may lie on several processes.

    Attributes:
        captions: B strings of this process; an empty one stands for no caption.
        all_captions: all captions of each image where the data has several; else None.
        text: their features; None in a model without text.
        progress: share of the budget shown before this step, in [0, 1].
        gather: (B, ...) of this process -> (B * processes, ...), with gradients.
        rank: which block of a gathered tensor is this process's own.
    """

    captions: list[str]
    text: TextFeatures | None
    progress: float
    gather: Callable[[Tensor], Tensor]
    rank: int = 0
    all_captions: list[list[str]] | None = None

    def ids(self, captions: list[str]) -> Tensor:
        """(B * processes,) int64 over the global batch, equal exactly where captions are equal."""
        ids = [stable_hash(caption) for caption in captions]
        return self.gather(torch.tensor(ids, device=self.text.pooled.device))

    def caption_ids(self) -> Tensor:
        """`ids` of the step's own captions."""
        return self.ids(self.captions)

    def wrong_captions(self) -> Tensor:
        """(N, N) bool over the global batch: whether the caption of column j is wrong for image i.

        A caption that image i has too is not wrong, as within a class. An empty caption (caption
        dropout) is never wrong, and for an image with an empty caption none is.
        """
        ids = self.caption_ids()
        present = ids != stable_hash("")
        return ~self.has(ids) & present[:, None] & present

    def has(self, ids: Tensor) -> Tensor:
        """(M,) ids of texts -> (N, M) bool: whether text j is among all captions of image i."""
        if self.all_captions is None:
            return self.caption_ids()[:, None] == ids
        pairs = zip(self.captions, self.all_captions, strict=True)
        rows = [[own, *others] for own, others in pairs]
        longest = int(self.gather(torch.tensor([max(map(len, rows))], device=ids.device)).max())
        filled = [row + row[:1] * (longest - len(row)) for row in rows]
        hashes = [[stable_hash(caption) for caption in row] for row in filled]
        own = torch.tensor(hashes, device=ids.device)  # (B, K)
        return (self.gather(own)[:, :, None] == ids).any(1)


@dataclass(kw_only=True)
class ContrastiveStep(CaptionedStep):
    """Encoded images and captions, the input of a contrastive term.

    Attributes:
        images: features of the images, as wide as those of the captions.
        negatives: hard negatives as in `Batch`, or None.
        wrong_text: their features, padded to the length of `text`; None where `negatives` is.
    """

    images: ImageFeatures
    negatives: list[str] | None = None
    wrong_text: TextFeatures | None = None

    def all_images(self) -> ImageFeatures:
        """The N images of the global batch, without maps."""
        return ImageFeatures(self.gather(self.images.regions), self.gather(self.images.pooled))

    def all_texts(self) -> tuple[TextFeatures, Tensor]:
        """The N captions of the global batch, then its hard negatives: M texts in all.

        The second value is (N, M) bool: whether text j is wrong for image i.
        """
        gathered = [text.each(self.gather) for text in self._own_texts()]
        return TextFeatures.cat(gathered), self._wrong_texts()

    def all_pooled(self) -> tuple[Tensor, Tensor, Tensor]:
        """The pooled features alone: images (N, D), texts (M, D), and (N, M) bool as above.

        The processes exchange neither regions nor words.
        """
        texts = torch.cat([self.gather(text.pooled) for text in self._own_texts()])
        return self.gather(self.images.pooled), texts, self._wrong_texts()

    def _own_texts(self) -> list[TextFeatures]:
        return [self.text, *([] if self.wrong_text is None else [self.wrong_text])]

    def _wrong_texts(self) -> Tensor:
        """(N, M) bool: whether text j is wrong for image i."""
        wrong = self.wrong_captions()
        if self.wrong_text is None:
            return wrong
        own, others, empty = self.caption_ids(), self.ids(self.negatives), stable_hash("")
        present = (own[:, None] != empty) & (others != empty)
        return torch.cat([wrong, ~self.has(others) & present], 1)


@dataclass(kw_only=True)
class AdversarialStep(CaptionedStep):
    """The input of a loss term in the discriminator's or the generator's turn of a training step.

    In the discriminator's turn everything is detached from the generator's parts; in the
    generator's turn the discriminator is frozen. Reconstruction and guidance use `real` and `fake`,
    terms of the discriminator use the augmented images and its outputs.

    Attributes:
        real: (B, C, H, W) in [-1, 1].
        captions: B strings, the generator's input; caption dropout has replaced some by "".
        negatives: `Batch.negatives`; None where the data has none.
        wrong_text: features of the first hard negative of each image, without gradients; None where
            there are none, or before the discriminator starts.
        images_seen: images shown before this step, over all processes.
        noise_level: (B,) in [0, 1], the share of noise in real and fake images; None without noise.
        step_index: number of optimizer steps before this one, by which lazy terms count.
        discriminator: frozen in the generator's turn; None where there is none.
        randn: shape (B, ...) -> standard normal keyed by (seed, images_seen, position in the global
            batch).
        fake: (B, C, H, W), samples from the prior for the same captions; None before the
            discriminator starts, like the next five.
        noise: (B, *noise_shape), the noise of `fake`.
        second_fake: as `fake`, of other noise; None unless a term needs it.
        augmented_real, augmented_fake: `real` and `fake` under one random augmentation, the
            discriminator's input.
        real_output, fake_output: the discriminator's outputs for them.
        reconstruction: (B, C, H, W), generated from the posterior's z; None without a posterior,
            and in the discriminator's turn.
        posterior: q(z | real, text); None where `reconstruction` is.
        prior: p(z | text), the generator's; None where `reconstruction` is.
        quantized: the codes of an autoencoder with a quantizer; else None.
        pixels: the distribution of `reconstruction`, of an autoencoder that has one; else None.
    """

    real: Tensor
    images_seen: int
    step_index: int
    discriminator: torch.nn.Module | None
    randn: Callable[[tuple[int, ...]], Tensor]
    negatives: list[str] | None = None
    wrong_text: TextFeatures | None = None
    noise_level: Tensor | None = None
    fake: Tensor | None = None
    noise: Tensor | None = None
    second_fake: Tensor | None = None
    augmented_real: Tensor | None = None
    augmented_fake: Tensor | None = None
    real_output: DiscriminatorOutput | None = None
    fake_output: DiscriminatorOutput | None = None
    reconstruction: Tensor | None = None
    posterior: Gaussian | None = None
    prior: Gaussian | None = None
    quantized: Quantized | None = None
    pixels: LogitLaplace | None = None
