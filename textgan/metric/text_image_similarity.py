"""Similarity of samples and their captions, by a judge."""

import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.metric.interval import mean_of_sums
from textgan.metric.judged import JudgedMetric
from textgan.types import Evaluation, Measurement


class TextImageSimilarity(JudgedMetric):
    """The mean cosine similarity of the first samples and their captions, by a judge's encodings.

    With a CLIP and `scale` 100 it is CLIPScore as torchmetrics computes it: 100 times the mean
    cosine, clamped at 0 after the mean. Hessel et al. (EMNLP 2021) clamp the cosine of each image
    before the mean, and multiply by 2.5. The range differs between judges: `real` is the value of
    the real images.

    Args:
        judge: as in `JudgedMetric`.
        name: the name of the value.
        scale: factor of the cosine.
    """

    def __init__(
        self, judge: nn.Module, *, name: str = "text_image_similarity", scale: float = 1.0
    ):
        super().__init__(judge)
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.name, self.scale = name, scale
        for kind in ("draws", "real"):  # number, sum, sum of squares
            self.add_state(kind, torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Add captions, the first samples (B, C, H, W) and, where there are any, real images.

        Raises:
            ValueError: some images have NaN or infinite pixels.
        """
        texts = self.encode_captions(evaluation).double()
        for kind in ("draws", "real"):
            images = self.encode_images(evaluation, kind)
            if images is not None:
                cosine = (images.double() * texts).sum(1)  # (B,)
                moments = torch.stack([torch.ones_like(cosine), cosine, cosine.square()])
                setattr(self, kind, getattr(self, kind) + moments.sum(1))

    def compute(self) -> dict[str, float]:
        """`name`, `real` where there are real images, and "n" captions.

        The 95 % intervals are 1.96 standard errors of the mean to either side, clamped at 0 as the
        value is; None for a single caption.

        Raises:
            TooFewError: there are no captions.
        """
        if self.draws[0] == 0:
            raise TooFewError("TextImageSimilarity needs at least 1 caption, got 0")
        values = {self.name: self._measured(self.draws)}
        if self.real[0] > 0:
            values["real"] = self._measured(self.real)
        return values | {"n": float(self.draws[0])}

    def _measured(self, moments: Tensor) -> Measurement:
        found = mean_of_sums(*moments.tolist())
        value, low, high = (
            None if x is None else self.scale * max(0.0, x) for x in (found, found.low, found.high)
        )
        return Measurement(value, n=found.n, low=low, high=high)
