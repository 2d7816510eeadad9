"""The energy score: samples near the real image, and as far from one another as images are."""

import torch
from torch import Tensor

from textgan.image_encoder.base import ImageEncoder
from textgan.loss.base import Loss, at_least_float32
from textgan.pretrained.frozen import Frozen
from textgan.schedule import Schedule
from textgan.step import AdversarialStep


class Energy(Loss):
    """|x1 - y|^a + |x2 - y|^a - repulsion * |x1 - x2|^a: two samples of a caption, and its image y.

    The generalised energy score (Gneiting & Raftery 2007; as a loss of generators: Shao et al.
    2025). With a in (0, 2) and a repulsion of 1 it is strictly proper: among all distributions of
    samples, its expectation is least for the distribution of the real images of the caption. It
    needs neither a posterior nor a discriminator. Where a caption has one image, the best samples
    all are that image.

    |.| is the root of the mean square over a patch of pixels. The score is computed for every patch
    of each of `patch_sizes` and averaged: over large patches the noise of pixels hides what the
    caption decides. With an image encoder, the differences are of its maps, each position scaled to
    length 1, and a patch is a position of each map.

    Args:
        weight: schedule of its weight in the generator's loss.
        exponent: a, within (0, 2).
        repulsion: factor of the distance between samples; below 1 the score is not proper.
        patch_sizes: sides of the patches in pixels; 0 is the whole image. Unused with an encoder.
        image_encoder: computes the maps; it is never trained. None compares pixels.

    Raises:
        ValueError: a number is out of range.
    """

    needs = ("text_encoder",)
    samples_per_caption = 2

    def __init__(
        self,
        *,
        weight: Schedule = 1.0,
        exponent: float = 1.0,
        repulsion: float = 1.0,
        patch_sizes: tuple[int, ...] = (4, 8, 16, 0),
        image_encoder: ImageEncoder | None = None,
    ):
        super().__init__(generator_weight=weight)
        if not 0 < exponent < 2:
            raise ValueError(f"exponent must be within (0, 2), got {exponent}")
        if repulsion < 0:
            raise ValueError(f"repulsion must be at least 0, got {repulsion}")
        if not patch_sizes or min(patch_sizes) < 0:
            raise ValueError(f"patch_sizes must be sides in pixels or 0, got {list(patch_sizes)}")
        self.exponent, self.repulsion, self.patch_sizes = exponent, repulsion, list(patch_sizes)
        self.image_encoder = None if image_encoder is None else Frozen(image_encoder)

    def generator_loss(self, step: AdversarialStep) -> Tensor:
        first, second = (self._seen(images) for images in (step.fake, step.second_fake))
        with torch.no_grad():
            real = self._seen(step.real)
        near = self._distance(first, real) + self._distance(second, real)
        return near - self.repulsion * self._distance(first, second)

    def _seen(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) -> what is compared: maps (B, C_i, H_i, W_i)."""
        if self.image_encoder is None:
            return [at_least_float32(images)]
        maps = self.image_encoder(images).maps
        return [torch.nn.functional.normalize(at_least_float32(m), dim=1) for m in maps]

    def _distance(self, ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
        """The mean of |difference|^a over images, patches and maps, a scalar."""
        squares = [(a - b).square() for a, b in zip(ours, theirs, strict=True)]
        if self.image_encoder is None:
            patches = [_mean_over_patches(squares[0].mean(1), size) for size in self.patch_sizes]
        else:
            patches = [square.sum(1) for square in squares]
        # The root has no derivative at 0.
        powers = [(patch + 1e-6).pow(self.exponent / 2).mean() for patch in patches]
        return torch.stack(powers).mean()


def _mean_over_patches(squares: Tensor, size: int) -> Tensor:
    """Means of (B, H, W) over patches that overlap by half; the whole image if it is smaller."""
    if size == 0 or size >= min(squares.shape[-2:]):
        return squares.flatten(1).mean(1)
    return torch.nn.functional.avg_pool2d(squares[:, None], size, stride=max(size // 2, 1))
