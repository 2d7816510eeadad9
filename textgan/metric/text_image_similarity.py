"""How well a judge finds that the draws fit their captions."""

import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.metric.interval import Z
from textgan.metric.judged import JudgedMetric
from textgan.types import Evaluation, Measurement


class TextImageSimilarity(JudgedMetric):
    """The mean cosine similarity of the first draws with their captions, in a judge's eyes.

    With a CLIP and `scale` 100 it is CLIPScore as torchmetrics has it: 100 times the mean cosine,
    clamped at 0 after the mean. Hessel et al. (EMNLP 2021) clamp each picture's cosine, before the
    mean, and multiply by 2.5. How high it gets differs from judge to judge: `real` is what real
    pictures get.

    Args:
        judge: as in `JudgedMetric`.
        name: what the value is called.
        scale: what the cosine is multiplied by.
    """

    def __init__(
        self, judge: nn.Module, *, name: str = "text_image_similarity", scale: float = 1.0
    ):
        super().__init__(judge)
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.name, self.scale = name, scale
        for kind in ("draws", "real"):  # how many, sum of cosines, sum of their squares
            self.add_state(kind, torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Take in captions, the first draws (B, C, H, W) and, where there are any, real pictures.

        Raises:
            ValueError: some pictures have NaN or infinite pixels.
        """
        texts = self.captions_encoded(evaluation).double()
        for kind in ("draws", "real"):
            pictures = self.pictures_encoded(evaluation, kind)
            if pictures is not None:
                cosine = (pictures.double() * texts).sum(1)  # (B,)
                moments = torch.stack([torch.ones_like(cosine), cosine, cosine.square()])
                setattr(self, kind, getattr(self, kind) + moments.sum(1))

    def compute(self) -> dict[str, float]:
        """`name`, `real` where there are real pictures, and "n" captions.

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
        n, total, squares = moments.tolist()
        mean, low, high = total / n, None, None
        if n > 1:
            variance = max(0.0, squares - n * mean**2) / (n - 1)
            reach = Z * (variance / n) ** 0.5
            low, high = (self.scale * max(0.0, edge) for edge in (mean - reach, mean + reach))
        return Measurement(self.scale * max(0.0, mean), n=int(n), low=low, high=high)
