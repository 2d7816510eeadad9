"""Dataclasses that parts exchange.

Letters in shapes, everywhere in this project: B batch, C channels, H and W height and width,
L words (tokens), D width of a feature, K logits per image, N regions, k samples per caption. Images
are float in [-1, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


@dataclass
class Batch:
    """Images of a data set and their captions.

    images (B, C, H, W) in [-1, 1]; captions B strings; index (B,) int64, the row in the data set.
    negatives: hard negatives, captions that are nearly right and wrong, or None: B of them, one for
    each image; then B more where the data has several, and so on. all_captions: all captions of
    each image, or None.
    """

    images: Tensor
    captions: list[str]
    index: Tensor
    negatives: list[str] | None = None
    all_captions: list[list[str]] | None = None

    def __len__(self) -> int:
        return len(self.captions)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """The same batch with its tensors on `device` (Lightning calls it)."""
        return replace(
            self,
            images=self.images.to(device, non_blocking=non_blocking),
            index=self.index.to(device, non_blocking=non_blocking),
        )

    def pin_memory(self) -> "Batch":
        """The same batch with its images in page-locked memory (the DataLoader calls it)."""
        return replace(self, images=self.images.pin_memory())


@dataclass
class TextFeatures:
    """Encoded captions: words (B, L, D), mask (B, L) bool, True at real words, pooled (B, D).

    The mask is never all False in a row: an empty caption still has its begin token.
    """

    words: Tensor
    mask: Tensor
    pooled: Tensor

    def __len__(self) -> int:
        return len(self.pooled)

    def __getitem__(self, rows: slice | Tensor) -> "TextFeatures":
        return self.each(lambda tensor: tensor[rows])

    def each(self, function: Callable[[Tensor], Tensor]) -> "TextFeatures":
        """Apply a function to each of the three tensors."""
        return TextFeatures(function(self.words), function(self.mask), function(self.pooled))

    def detach(self) -> "TextFeatures":
        """The same features, detached from the text encoder's graph."""
        return self.each(Tensor.detach)

    def repeat_interleave(self, repeats: int) -> "TextFeatures":
        """Each caption `repeats` times in a row: (B * repeats, ...)."""
        return self.each(lambda tensor: tensor.repeat_interleave(repeats, 0))

    @staticmethod
    def cat(parts: list["TextFeatures"]) -> "TextFeatures":
        """Batches one after the other; shorter ones are padded to the longest L."""
        length = max(part.mask.shape[1] for part in parts)
        parts = [part.pad(length) for part in parts]
        return TextFeatures(
            torch.cat([part.words for part in parts]),
            torch.cat([part.mask for part in parts]),
            torch.cat([part.pooled for part in parts]),
        )

    def pad(self, length: int) -> "TextFeatures":
        """The same features with L = `length`; the new positions are masked."""
        extra = length - self.mask.shape[1]
        if extra == 0:
            return self
        words = torch.nn.functional.pad(self.words, (0, 0, 0, extra))
        return TextFeatures(words, torch.nn.functional.pad(self.mask, (0, extra)), self.pooled)


@dataclass
class ImageFeatures:
    """Encoded images: regions (B, N, D), the positions of a map; pooled (B, D), the whole image.

    maps: feature maps of earlier layers, (B, C_i, H_i, W_i), shallow to deep.
    """

    regions: Tensor
    pooled: Tensor
    maps: list[Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pooled)


@dataclass
class Gaussian:
    """A diagonal Gaussian over z for each of B images: mean and log_variance, (B, *shape)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Mean + sigma * noise, for standard normal `noise` of the same shape."""
        return self.mean + (0.5 * self.log_variance).exp() * noise

    def standardise(self, z: Tensor) -> Tensor:
        """The noise for which `sample` returns this z."""
        return (z - self.mean) * (-0.5 * self.log_variance).exp()

    def detach(self) -> "Gaussian":
        """The same Gaussian, detached from the graph."""
        return Gaussian(self.mean.detach(), self.log_variance.detach())


@dataclass
class DiscriminatorOutput:
    """A discriminator's output for B images.

    logits (B, K): larger for images that are realistic and fit the text; K is the number of the
    discriminator's heads. pooled (B, D): features of the image alone; text (B, D): the text in the
    same space. features: maps, shallow to deep. text_logits: how many logits, the first ones,
    depend on the text; the others score the image alone.
    """

    logits: Tensor
    pooled: Tensor
    text: Tensor
    features: list[Tensor] = field(default_factory=list)
    text_logits: int = 1

    def matching(self) -> Tensor:
        """The logits that depend on the text, (B, text_logits)."""
        return self.logits[:, : self.text_logits]


@dataclass
class Quantized:
    """Quantised latents of B images, with G groups of codes at each position.

    values (B, C, H, W): the vectors of the codes; their gradient goes to the latents. codes
    (B, G, H, W): int64, the number of each code. loss: a scalar for `loss=quantization`; 0 where
    the quantizer needs none.
    """

    values: Tensor
    codes: Tensor
    loss: Tensor


@dataclass
class LogitLaplace:
    """A distribution of each channel of each pixel: Laplace over the logit of a value in (0, 1).

    mean and log_scale: (B, C, H, W).
    """

    mean: Tensor
    log_scale: Tensor


@dataclass
class Latents:
    """Encoded images of an autoencoder.

    values (B, c, h, w): mean 0 and variance 1 for each channel over the training images. posterior:
    q(latent | image) before that standardisation, or None for a discrete autoencoder. quantized:
    the codes and their values before it, or None for a continuous one.
    """

    values: Tensor
    posterior: Gaussian | None = None
    quantized: Quantized | None = None


class Measurement(float):
    """A number with its sample size and uncertainty. Arithmetic returns a plain float without them.

    Attributes:
        n: number of images, captions or pairs that it was computed from.
        low, high: its 95 % interval, or None.
        spread: its standard deviation over parts for which it was computed one by one, or None.
    """

    def __new__(
        cls,
        value: float,
        *,
        n: int,
        low: float | None = None,
        high: float | None = None,
        spread: float | None = None,
    ) -> "Measurement":
        self = super().__new__(cls, value)
        self.n, self.low, self.high, self.spread = int(n), low, high, spread
        return self


@dataclass
class Evaluation:
    """The input of a metric: captions, the real images of these captions, and samples for them.

    captions B strings; real (B, C, H, W) or None; draws (B, k, C, H, W), the samples, k the largest
    `draws_per_caption` of the metrics that share them (each uses the first of them). Images are in
    [-1, 1]. edited: (B, C, H, W), samples for the captions with one word changed and the noise of
    the first sample, or None where no metric needs them. index (B,): the rows in the data set, or
    None. bank: (extractor, "real", "draws" or "edited") -> features (B, k or 1, D), computed once
    for all metrics; None lets each metric compute its own.
    """

    captions: list[str]
    real: Tensor | None
    draws: Tensor
    edited: Tensor | None = None
    index: Tensor | None = None
    bank: Callable[[torch.nn.Module, str], Tensor] | None = None
