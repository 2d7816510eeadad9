"""What a loss term may look at in one step of training."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from textgan.seed import seed_from
from textgan.types import DiscriminatorOutput, Gaussian, ImageFeatures, TextFeatures


@dataclass(kw_only=True)
class CaptionedStep:
    """Captions of a batch that may lie on several processes.

    Attributes:
        captions: B strings of this process; an empty one says nothing.
        all_captions: every caption that each picture has, where the data says them; else None.
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
        ids = [seed_from(caption) for caption in captions]
        return self.gather(torch.tensor(ids, device=self.text.pooled.device))

    def caption_ids(self) -> Tensor:
        """`ids` of the step's own captions."""
        return self.ids(self.captions)

    def wrong_captions(self) -> Tensor:
        """(N, N) bool over the global batch: is the caption of column j wrong for picture i?

        One that picture i has too is not, as within a class. An empty one (caption dropout) says
        nothing wrong, and a picture that has lost its caption does not know which others are wrong.
        """
        ids = self.caption_ids()
        told = ids != seed_from("")
        return ~self.has(ids) & told[:, None] & told

    def has(self, ids: Tensor) -> Tensor:
        """(M,) ids of texts -> (N, M) bool: which are among all that picture i has."""
        if self.all_captions is None:
            return self.caption_ids()[:, None] == ids
        pairs = zip(self.captions, self.all_captions, strict=True)
        rows = [[own, *others] for own, others in pairs]
        longest = int(self.gather(torch.tensor([max(map(len, rows))], device=ids.device)).max())
        filled = [row + row[:1] * (longest - len(row)) for row in rows]
        own = torch.tensor([[*map(seed_from, row)] for row in filled], device=ids.device)  # (B, K)
        return (self.gather(own)[:, :, None] == ids).any(1)


@dataclass(kw_only=True)
class ContrastiveStep(CaptionedStep):
    """Pictures and captions, encoded: what a contrastive term looks at.

    Attributes:
        images: features of the pictures, as wide as those of the captions.
        negatives: captions that are nearly right, and wrong, as those of `Batch`; or None.
        wrong_text: their features; None where `negatives` is. Of as many words as `text`.
    """

    images: ImageFeatures
    negatives: list[str] | None = None
    wrong_text: TextFeatures | None = None

    def all_images(self) -> ImageFeatures:
        """The pictures of the global batch, N of them, without maps."""
        return ImageFeatures(self.gather(self.images.regions), self.gather(self.images.pooled))

    def all_texts(self) -> tuple[TextFeatures, Tensor]:
        """The N captions of the global batch, then its negatives: M texts in all.

        With them (N, M) bool: which of them is wrong for which picture.
        """
        gathered = [
            TextFeatures(*(self.gather(t) for t in (text.words, text.mask, text.pooled)))
            for text in self._own_texts()
        ]
        return TextFeatures.cat(gathered), self._wrong_texts()

    def all_pooled(self) -> tuple[Tensor, Tensor, Tensor]:
        """Only the pooled features of the same: pictures (N, D), texts (M, D), and what is wrong.

        Processes exchange no regions and no words for it.
        """
        texts = torch.cat([self.gather(text.pooled) for text in self._own_texts()])
        return self.gather(self.images.pooled), texts, self._wrong_texts()

    def _own_texts(self) -> list[TextFeatures]:
        return [self.text, *([] if self.wrong_text is None else [self.wrong_text])]

    def _wrong_texts(self) -> Tensor:
        """(N, M) bool: which text is wrong for which picture."""
        wrong = self.wrong_captions()
        if self.wrong_text is None:
            return wrong
        own, others, nothing = self.caption_ids(), self.ids(self.negatives), seed_from("")
        told = (own[:, None] != nothing) & (others != nothing)
        return torch.cat([wrong, ~self.has(others) & told], 1)


@dataclass(kw_only=True)
class AdversarialStep(CaptionedStep):
    """All that a loss term may look at in one turn of a training step, critic's or generator's.

    In the critic's turn everything is detached from the generator's parts; in the generator's turn
    the critic is frozen. Reconstruction and guidance look at raw images, critic terms at what the
    critic saw.

    Attributes:
        real: (B, C, H, W) in [-1, 1].
        captions: B strings, as the generator was given them (an empty one where caption dropout
            struck).
        negatives: `Batch.negatives`; None where the data has none.
        wrong_text: features of the first of them for each picture, without gradients; None where
            there are none, or before the critic starts.
        images_seen: pictures shown before this step, over all processes.
        noise_level: (B,) in [0, 1], the share of noise in real and fake images; None without noise.
        step_index: steps of the optimizers before this one; lazy terms count by it.
        discriminator: the critic, frozen in the generator's turn; None where there is none.
        randn: shape (B, ...) -> standard normal keyed by (seed, images_seen, place in the global
            batch).
        fake: (B, C, H, W), drawn from the prior for the same captions; None before the critic
            starts, like the next five.
        noise: (B, *noise_shape), what `fake` was drawn from.
        augmented_real, augmented_fake: what the critic saw: `real` and `fake` under one draw of the
            augmentation.
        real_output, fake_output: what the critic said of them.
        reconstruction: (B, C, H, W), drawn from the posterior's z; None without a posterior, and
            in the critic's turn.
        posterior: q(z | real, text); None where `reconstruction` is.
        prior: p(z | text), the generator's; None where `reconstruction` is.
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
    augmented_real: Tensor | None = None
    augmented_fake: Tensor | None = None
    real_output: DiscriminatorOutput | None = None
    fake_output: DiscriminatorOutput | None = None
    reconstruction: Tensor | None = None
    posterior: Gaussian | None = None
    prior: Gaussian | None = None
